-- BCC's way to say where to trace, as moontrace's SPEC:
--   vfs_read, p::vfs_read        a function of the kernel
--   c:malloc, p:c:malloc         a function of a library or program, by its name or path
--   t:sched:sched_switch         a tracepoint
--   u:c:setjmp, u:c:libc:setjmp  a USDT probe, of a provider where several have the name
-- With `r` in place of `p` it is the return. What begins with a SPEC's long word (`kprobe:`) is one already.
local bcc = {}

-- The SPEC, or nil and why there is none. `rename`, if given, makes a pattern of what a function or event is called.
function bcc.spec(text, rename)
  if text:find "^%l*probe:" or text:find "^tracepoint:" or text:find "^usdt:" then return text end
  local kind, place, name = text:match "^([ptur]):([^:]*):(.+)$"
  if not kind then
    kind, place, name = "p", text:match "^([^:]+):([^:]+)$"
    if not text:find ":" then place, name = "", text end
  end
  if not place or (place == "" and kind:find "[tu]") then
    return nil, ("'%s' is no place to trace: FUNCTION, LIB:FUNCTION, t:CATEGORY:EVENT or u:LIB:PROBE"):format(text)
  end
  if rename then
    local pattern, why = rename(name)
    if not pattern then return nil, why end
    name = pattern
  end
  if kind == "t" then return "tracepoint:" .. place .. ":" .. name end
  if kind == "u" then return "usdt:" .. place .. ":" .. name end
  local back = kind == "r" and "ret" or ""
  if place == "" then return "k" .. back .. "probe:" .. name end
  return "u" .. back .. "probe:" .. place .. ":" .. name
end

return bcc
