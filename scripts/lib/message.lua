-- Probes with a message by a format of printf's, as BCC's trace has them: which fields they need, and what they say.
local c, place = require "c", require "place"

local message = {}

-- What C takes a bare number for: it is cut to that, and has its sign.
local narrow = { d = "int", i = "int", hd = "short", hu = "unsigned short", hhd = "signed char", hhu = "unsigned char" }

local shown = { i = "d", p = "#x", K = "s", U = "s" }

local function field(item, size, conversion)
  if conversion == "s" then return c.string(item) end
  if conversion == "K" then return ("ksym(%s)"):format(item.text) end
  if conversion == "U" then return ("usym(%s)"):format(item.text) end
  local type = item.address and narrow[size .. conversion]
  return type and ("as('%s', %s)"):format(type, item.text) or c.value(item).text
end

-- What a process chooses itself must not steer the terminal or begin a line.
function message.plain(value)
  if type(value) ~= "string" then return value end
  return (value:gsub("%c", function(c) return c == "\n" and "\\n" or ("\\x%02x"):format(c:byte()) end))
end

-- `format` and its values (of c.lua) → the list for :fetch, and a function from an event to its message.
function message.of(format, values)
  local pieces, fields = {}, {}
  local function piece(flags, size, conversion)
    if conversion == "%" then return "%%" end
    if not conversion:find "[diuxXcspKU]" then
      error(("no conversion '%%%s': there are %%s %%d %%u %%x %%c %%K %%U, %%ld %%llx and the like"):format(conversion), 0)
    end
    local item = table.remove(values, 1) or error(("'%s' wants more values than there are"):format(format), 0)
    fields[#fields + 1] = ("_%d = %s"):format(#fields + 1, field(item, size, conversion))
    pieces[#pieces + 1] = "%" .. flags .. (shown[conversion] or conversion)
    return "%s"
  end
  local frame = format:gsub("%%([-+ #0]*%d*%.?%d*)([hlzj]*)(.)", piece)
  if #values > 0 then error(("'%s' wants fewer values than there are"):format(format), 0) end

  return table.concat(fields, ", "), function(e)
    local said = {}
    for i, conversion in ipairs(pieces) do
      local value = message.plain(e["_" .. i])
      said[i] = value == nil and "<fault>" or conversion:format(value)
    end
    return frame:format(table.unpack(said))
  end
end

-- `WHERE [(CONDITION)] ["FORMAT"[, VALUE…]]` → the SPEC, the function's name (see place.lua), the condition, the list and
-- the function of message.of.
local function probe(text)
  local at = place.read(text)
  local condition, rest = at.rest:match "^%s*(%b())(.*)$"
  rest = (rest or at.rest):match "^%s*(.-)%s*$"
  local format, values = rest:match '^"(.-)"%s*,?(.*)$'
  if rest ~= "" and not format then
    error(("behind the condition stands a format in quotes, and then its values\n  %s"):format(text), 0)
  end
  local items = c.split(values or "")
  for i, value in ipairs(items) do items[i] = at.read(value) end
  local fields, say = message.of(format or "", items)
  return {
    spec = at.spec, func = at.func, fields = fields ~= "" and fields, say = format and say,
    condition = condition and place.condition(at, condition:sub(2, -2)),
  }
end

message.probe = place.reader(probe)

return message
