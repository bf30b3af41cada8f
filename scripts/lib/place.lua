-- A probe of BCC's command line: where it is, and what the words of its expressions mean there.
local bcc, c = require "bcc", require "c"

local place = {}

-- moontrace's kinds of probes. A SPEC that begins with one brings moontrace's own texts, in which arg0 is the first
-- argument; all others are BCC's and bring its words, where that is arg1.
local kinds = {}
for word in ([[tracepoint rawtracepoint rt kprobe k kretprobe kr kfunc kretfunc fentry f fexit fr uprobe uretprobe ur usdt U
  profile interval software hardware syscall]]):gmatch "%a+" do
  kinds[word] = true
end

local function fail(text, why) error(("%s\n  %s"):format(why, text), 0) end

-- BCC's words for what every probe has. Its $pid is the kernel's: the thread's number.
local words = {
  ["$pid"] = "tid", ["$tgid"] = "pid", ["$uid"] = "uid", ["$gid"] = "gid", ["$cpu"] = "cpu", ["$task"] = "curtask",
  ["$PID"] = "pid", ["$COMM"] = "comm", ["$latency"] = "elapsed",
}

-- What is known as a bare number only: C decides by the format what it is.
local function bare(text) return c.node(text, 11, { address = text }) end

-- `ctx->dx`: registers have the arguments, and within a function whatever stands in them.
local registers = { "moontrace reads di si dx cx r8 and r9 of the registers, not '%s'" }
for i, name in ipairs { "di", "si", "dx", "cx", "r8", "r9" } do registers[name] = bare("arg" .. i - 1) end

-- `int fd, const char *name`: each parameter with the text of its value.
local function parameters(signature, in_process)
  local known, count = {}, 0
  if signature:find "^%s*void%s*$" then return known end
  for declared in signature:gmatch "[^,]+" do
    local type, name = declared:match "^%s*(.-)%s*([%a_][%w_]*)%s*$"
    if not type or type == "" then fail(declared, "a parameter is a type and a name") end
    if in_process then type = type:gsub("%*$", "__user *") end
    known[name], count = c.typed(type, bare("arg" .. count)), count + 1
  end
  return known
end

local function names(declared)
  return function(word)
    local number = word:match "^arg(%d+)$"
    if number then return bare("arg" .. tonumber(number) - 1) end
    if word == "retval" or word == "$retval" then return bare "retval" end
    if word == "ctx" then return { text = "ctx", members = registers } end
    return declared[word] or words[word]
  end
end

-- System calls are found by their tracepoints, which every kernel has under the same names: sys_read, SyS_read,
-- __x64_sys_read.
local function system_call(where)
  local kind, name = where:match "^([pr]?)::?([%w_]+)$"
  name = name or where:match "^[%w_]+$"
  local call = name and (name:match "^[Ss]y[Ss]_(.+)$" or name:match "^__x64_sys_(.+)$")
  local spec = call and ("tracepoint:syscalls:sys_%s_%s"):format(kind == "r" and "exit" or "enter", call)
  if spec and exists(spec) then return spec, name end
end

-- Takes `where[(signature)]` off the text: the SPEC, the function's name where it isn't what the event says, how
-- expressions are read there, and what follows.
function place.read(text)
  local where, rest = text:match "^%s*([^%s(]+)(.*)$"
  if not where then fail(text, "a probe begins with where it is") end
  if kinds[where:match "^(%a+):" or ""] or where:find "^%a*{" then
    return { spec = where, rest = rest, read = function(part) return c.node(c.respell(part), 11) end, own = true }
  end
  where = where:gsub("^:([^:]*):", "p:%1:")
  local signature, behind = rest:match "^(%b())(.*)$"
  signature = signature and signature:sub(2, -2) or ""
  if signature:find "%S" and where:find "^[tu]:" then
    fail(text, "only functions have a signature: tracepoints have args->NAME, USDT probes arg1, arg2, …")
  end
  local spec, func = system_call(where)
  local known = names(parameters(signature, func ~= nil))
  return {
    spec = spec or assert(bcc.spec(where)), func = func, rest = behind or rest,
    read = function(part) return c.expression(part, known) end,
  }
end

-- A condition as a text.
function place.condition(at, text)
  if at.own then return at.read(text).text end
  return c.truth(at.read(text)).text
end

-- What c.lua makes of strings: whether they are the process's or the kernel's is told by their addresses. At most `bytes`
-- are read.
function place.define(bytes)
  define(("string(p) = as('u64', p) < 0x800000000000 and str(p, %d) or str(as('char *', p), %d)"):format(bytes, bytes))
  define "byte(p, i) = as('u64', p) < 0x800000000000 and as('u8 __user *', p)[i] or as('u8 *', p)[i]"
end

-- A reader whose complaints are of the command line and not of its own lines: nil and why there.
function place.reader(read)
  return function(text)
    local done, result = pcall(read, text)
    if done then return result end
    return nil, (tostring(result):gsub("^[^\n]-%.lua:%d+: ", ""))
  end
end

return place
