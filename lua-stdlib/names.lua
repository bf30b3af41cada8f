--- Names of the numbers that the kernel speaks in. Each function gives the number as text where it has no name, and nil for nil.
---
---     local names = require "names"
---     print(names.errno(2), names.signal(9))
local host = ...

-- A list of words as a table by number, from `first` up; '?' stands for a number without a name.
local function by_number(first, words)
  local names, number = {}, first
  for word in words:gmatch("%S+") do
    if word ~= "?" then names[number] = word end
    number = number + 1
  end
  return names
end

-- asm-generic/errno-base.h and asm-generic/errno.h
local errors = by_number(1, [[
  EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST
  EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM
  ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ? ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG
  EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT ? EBFONT ENOSTR ENODATA ETIME ENOSR ENONET
  ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG
  ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE
  EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE
  EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN
  ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL
  EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD
  ENOTRECOVERABLE ERFKILL EHWPOISON
]])

-- asm-generic/signal.h, as on x86 and arm
local signals = by_number(1, [[
  SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM
  SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF
  SIGWINCH ? SIGPWR SIGSYS
]])

-- include/net/tcp_states.h
local tcp_states = by_number(1, [[
  ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING NEW_SYN_RECV
]])

-- linux/capability.h
local capabilities = by_number(0, [[
  CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP
  CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER
  CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE
  CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL
  CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ
  CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE
]])

local names = {}

--- The name of an error: of 2 and of -2 it is `ENOENT`.
---
---     probe "tracepoint:syscalls:sys_exit_openat" :where "retval < 0"
---       :on(function(e) print(e.comm, errno(e.retval)) end)
---@param number? integer
---@return string?
function names.errno(number) return number and (errors[number < 0 and -number or number] or tostring(number)) end

--- The name of a signal: of 9 it is `SIGKILL`.
---
---     probe "tracepoint:signal:signal_generate"
---       :on(function(e) print(e.comm, signal(e.args.sig), e.args.pid) end)
---@param number? integer
---@return string?
function names.signal(number) return number and (signals[number] or tostring(number)) end

--- The name of a TCP connection's state: of 1 it is `ESTABLISHED`.
---
---     probe "tracepoint:sock:inet_sock_set_state"
---       :on(function(e) print(e.comm, tcp_state(e.args.newstate)) end)
---@param number? integer
---@return string?
function names.tcp_state(number) return number and (tcp_states[number] or tostring(number)) end

--- The name of a capability: of 21 it is `CAP_SYS_ADMIN`.
---
---     print(capability(21))
---@param number? integer
---@return string?
function names.capability(number) return number and (capabilities[number] or tostring(number)) end

--- The name of a system call: of 257 it is `openat`.
---
---     local calls = probe "tracepoint:raw_syscalls:sys_enter"
---       :by "args.id" :count()
---     on_exit(function()
---       for _, row in ipairs(calls:top(5)) do
---         print(syscall(row.id), row.count)
---       end
---     end)
---@param number? integer
---@return string?
function names.syscall(number) return number and (host.syscall_name(number) or tostring(number)) end

return names
