-- dns() hears the answers of name servers that programs get, and gives a function: the name that was asked for when an
-- address was the answer, or nil. Heard are messages (RFC 1035, section 4) that come by UDP from port 53.

-- The name that begins there, and where it ends; one that is given by its place elsewhere is empty.
local function name(data, at)
  local labels, length = {}, data:byte(at)
  while length > 0 and length < 0xc0 do
    labels[#labels + 1] = data:sub(at + 1, at + length):gsub("[^%w_-]", "?")
    at = at + 1 + length
    length = data:byte(at)
  end
  return table.concat(labels, "."), at + (length == 0 and 1 or 2)
end

-- More addresses than are connected to while names last.
local MOST = 65536

local function read(data, learn)
  local answers = (">I2"):unpack(data, 7)
  local asked, at = name(data, 13)
  at = at + 4
  for _ = 1, answers do
    _, at = name(data, at)
    local kind, _, _, address, next = (">I2I2I4s2"):unpack(data, at)
    if kind == 1 or kind == 28 then learn(ntop(address), asked) end -- A, AAAA
    at = next
  end
end

return function()
  define "file = curtask.files.fdt.fd[args.fd]"
  define "is_socket = retval > 12 and file.f_inode.i_mode & S_IFMT == S_IFSOCK"
  define "udp = as('struct socket', file.private_data).sk"
  -- A socket that is not connected is told whom a message is from.
  define "sender = first(args.addr, args.msg.msg_name, as('char __user *', 0))"
  define "is_from = ptr(sender) ~= 0 and bswap(as('struct sockaddr_in __user', sender).sin_port) == 53"

  local names, count = {}, 0
  local function learn(address, asked)
    if not names[address] then count = count + 1 end
    if count > MOST then names, count = {}, 1 end
    names[address] = asked
  end
  probe "tracepoint:syscalls:sys_exit_{recvfrom,recvmsg,read}"
    :where "is_socket and udp.sk_protocol == IPPROTO_UDP and (dport(udp) == 53 or is_from)"
    :fetch "data = buf(first(args.ubuf, args.msg.msg_iov[0].iov_base, args.buf), retval, 4096)"
    -- What is no such message is cut short, which Lua takes for an error.
    :on(function(e) pcall(read, e.data, learn) end)
  return function(address) return names[address] end
end
