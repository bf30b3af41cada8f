--- Values as people read them.
---
---     local text = require "text"
---     print(text.ntop "\127\0\0\1")
local host = ...

local text = {}

--- The wall clock as strftime(3) formats it: now, or at an event's time (ns of the clock of `e.time`). As in date(1), `%s`
--- is the seconds since 1970, `%N` the nanoseconds of a second, and `%6N` its first six digits.
---
---     probe "tracepoint:syscalls:sys_enter_openat"
---       :on(function(e) print(strftime("%H:%M:%S", e.time), e.comm) end)
---@param format string
---@param time? integer
---@return string
function text.strftime(format, time)
  local day = host.time_of_day() - (time and host.now() - time or 0)
  local seconds, nanoseconds = day // 1000000000, ("%09d"):format(day % 1000000000)
  format = format:gsub("%%(%d?)([%%sN])", function(digits, what)
    if what == "s" then return tostring(seconds) end
    if what == "N" then return nanoseconds:sub(1, tonumber(digits) or 9) end
  end)
  return os.date(format, seconds)
end

--- Begins a screen anew: what is printed from here to the end of the function takes the place of the last screen. In a file or a
--- pipe it stands below that.
---
---     every("1s", function()
---       cls()
---       print(readfile "/proc/loadavg")
---     end)
text.cls = host.screen

--- Bytes as `hexdump -C` shows them, sixteen a line.
---
---     probe "tracepoint:syscalls:sys_enter_write"
---       :fetch "data = buf(args.buf, args.count, 64)"
---       :on(function(e) print(hexdump(e.data)) end)
---@param bytes string
---@return string
function text.hexdump(bytes)
  local lines = {}
  for from = 1, #bytes, 16 do
    local part = bytes:sub(from, from + 15)
    local hex = part:gsub(".", function(c) return ("%02x "):format(c:byte()) end)
    lines[#lines + 1] = ("%08x  %-48s |%s|"):format(from - 1, hex, (part:gsub("[^\32-\126]", ".")))
  end
  return table.concat(lines, "\n")
end

-- The longest run of zero groups, which `::` stands for: at least two of them.
local function longest_zeros(groups)
  local best, length, from = nil, 1, nil
  for i = 1, 9 do
    if groups[i] == 0 then
      from = from or i
    elseif from then
      if i - from > length then best, length = from, i - from end
      from = nil
    end
  end
  return best, length
end

local function ntop6(bytes)
  if bytes:find("^%z%z%z%z%z%z%z%z%z%z\255\255") then return "::ffff:" .. text.ntop(bytes:sub(13)) end
  local groups = { string.unpack(">HHHHHHHH", bytes) }
  groups[9] = nil
  local best, length = longest_zeros(groups)
  local words = {}
  for i = 1, 8 do words[i] = ("%x"):format(groups[i]) end
  if not best then return table.concat(words, ":") end
  return table.concat(words, ":", 1, best - 1) .. "::" .. table.concat(words, ":", best + length)
end

--- An IP address as text: of its 4 or 16 bytes, or of a `__be32` as the kernel holds it. In texts, `ntop` is the kernel's.
---
---     print(ntop "\127\0\0\1", ntop(0x0100007f))
---@param address? string|integer
---@return string?
function text.ntop(address)
  if address == nil then return nil end
  if math.type(address) == "integer" then
    return ("%d.%d.%d.%d"):format(address & 255, address >> 8 & 255, address >> 16 & 255, address >> 24 & 255)
  end
  if #address == 4 then return ("%d.%d.%d.%d"):format(address:byte(1, 4)) end
  if #address == 16 then return ntop6(address) end
  error("ntop takes an integer, 4 bytes or 16 bytes, not " .. #address, 2)
end

--- Prints a list of tables as columns, under the names of their fields.
---
---     local rows = { { pid = 1, comm = "init" }, { pid = 2, comm = "kthreadd" } }
---     columns(rows, { "pid", "comm" })
---@param rows table<string, any>[]
---@param names string[]
function text.columns(rows, names)
  local widths, lines = {}, { {} }
  for i, name in ipairs(names) do lines[1][i] = name:upper() end
  for _, row in ipairs(rows) do
    local line = {}
    for i, name in ipairs(names) do line[i] = tostring(row[name]) end
    lines[#lines + 1] = line
  end
  for i, name in ipairs(names) do
    widths[i] = 0
    for _, line in ipairs(lines) do widths[i] = math.max(widths[i], #line[i]) end
    -- Numbers stand below each other by their last digit.
    if rows[1] and math.type(rows[1][name]) then widths[i] = -widths[i] end
  end
  for _, line in ipairs(lines) do
    for i, cell in ipairs(line) do
      local blanks = (" "):rep(math.abs(widths[i]) - #cell)
      line[i] = widths[i] < 0 and blanks .. cell or cell .. blanks
    end
    host.print(table.concat(line, "  "):gsub("%s+$", "") .. "\n")
  end
end

return text
