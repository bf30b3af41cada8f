-- What BCC's argdist is told to collect: KIND:PLACE:FUNCTION(SIGNATURE)[:TYPE,…:EXPRESSION,…[:FILTER]][#LABEL]
local c, message, place = require "c", require "message", require "place"

local function fail(text, why) error(("%s\n  %s"):format(why, text), 0) end

-- Types say how bare numbers are to be taken; what the kernel or a program has declared has its own.
local function typed(type, item)
  if type:find "%*%s*$" then return c.string(item) end
  return item.address and c.typed(type, item).text or c.value(item).text
end

-- The types and expressions of the two parts, as texts; by default what a function returns.
local function collected(at, types, expressions, is_return)
  if not types then
    if not is_return then return {}, {} end
    types, expressions = "int", "retval"
  end
  local kinds, sources, texts = c.split(types), c.split(expressions or ""), {}
  if #kinds ~= #sources or #kinds == 0 then
    fail(types .. ":" .. (expressions or ""), "as many expressions as types stand behind the function")
  end
  for i, source in ipairs(sources) do texts[i] = typed(kinds[i], at.read(source)) end
  return texts, sources
end

-- The SPEC, the values' texts, the same as the list of a key, the condition, the label, and a function that says of a row
-- what stands in its key, as it was written.
local function read(text)
  local body, label = text:match "^([^#]*)#?(.*)$"
  local parts = {}
  for part in (body .. ":"):gmatch "([^:]*):" do parts[#parts + 1] = part end
  if not (parts[1]:find "^[prtu]$" and parts[3]) or #parts > 6 then
    fail(text, "write {p,r,t,u}:[LIBRARY|CATEGORY]:FUNCTION(SIGNATURE)[:TYPE:EXPRESSION[:FILTER]]; a SPEC of moontrace's stands by itself, with --by and --hist")
  end
  local at = place.read(table.concat(parts, ":", 1, 3):gsub("^%s+", ""))
  local texts, sources = collected(at, parts[4], parts[5], parts[1] == "r")
  local keys = {}
  for i, value in ipairs(texts) do keys[i] = ("_%d = %s"):format(i, value) end
  return {
    spec = at.spec, texts = texts, keys = keys[1] and table.concat(keys, ", "),
    filter = parts[6] and place.condition(at, parts[6]),
    label = label ~= "" and label or text,
    event = function(row)
      local said = {}
      for i, source in ipairs(sources) do said[i] = ("%s = %s"):format(source, message.plain(row["_" .. i])) end
      return said[1] and table.concat(said, ", ") or "total calls"
    end,
  }
end

return { read = place.reader(read) }
