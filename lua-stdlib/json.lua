--- JSON. Integers are exact to 64 bits; null is `json.null`.
---
---     print(json.encode{ pid = 1, names = { "init" } })
local json = { null = setmetatable({}, { __tostring = function() return "null" end }) }

-- Deeper values are taken for cycles.
local DEEPEST = 200

local escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function quote(text)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "\u{fffd}") end
  return '"' .. text:gsub('[%c"\\\127]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local encode

local function encode_list(list, depth)
  local parts = {}
  for i = 1, #list do parts[i] = encode(list[i], depth) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(object, depth)
  local names, parts = {}, {}
  for name in pairs(object) do
    if type(name) ~= "string" and math.type(name) ~= "integer" then
      error("json.encode: a " .. type(name) .. " can't be a name in an object", 0)
    end
    names[#names + 1] = name
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for i, name in ipairs(names) do parts[i] = quote(tostring(name)) .. ":" .. encode(object[name], depth) end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value, depth)
  local kind = type(value)
  if value == nil or value == json.null then return "null" end
  if kind == "boolean" then return tostring(value) end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if kind == "number" then
    -- JSON knows neither infinity nor what is no number.
    if value ~= value or value == math.huge or value == -math.huge then return "null" end
    return ("%.17g"):format(value)
  end
  if kind == "string" then return quote(value) end
  if kind ~= "table" then error("json.encode: a " .. kind .. " has no JSON", 0) end
  if depth > DEEPEST then error("json.encode: a table within itself, or deeper than " .. DEEPEST, 0) end
  if #value > 0 then return encode_list(value, depth + 1) end
  if next(value) == nil then return "[]" end
  return encode_object(value, depth + 1)
end

--- A value as JSON: tables without holes from 1 up are arrays, others objects, their names in order.
---
---     print(json.encode{ pid = 1, names = { "init" } })
---@param value any
---@return string
function json.encode(value) return encode(value, 0) end

local function fail(at, what) error(("json.decode: %s at byte %d"):format(what, at), 0) end

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local plain = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

-- The character of the \u escape at a place, and the place behind it.
local function unescape(text, at)
  local code = tonumber(text:match("^\\u(%x%x%x%x)", at) or fail(at, "a bad escape"), 16)
  local low = text:match("^\\u([dD][c-fC-F]%x%x)", at + 6)
  if code >= 0xd800 and code < 0xdc00 and low then
    return utf8.char(0x10000 + ((code - 0xd800) << 10) + (tonumber(low, 16) - 0xdc00)), at + 12
  end
  if code >= 0xd800 and code < 0xe000 then code = 0xfffd end
  return utf8.char(code), at + 6
end

local function decode_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('["\\]', at) or fail(at, "a string without its end")
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    local escaped = plain[text:sub(stop + 1, stop + 1)]
    if escaped then
      parts[#parts + 1], at = escaped, stop + 2
    else
      parts[#parts + 1], at = unescape(text, stop)
    end
  end
end

local decode

local function decode_list(text, at, depth)
  local list, length = {}, 0
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    length = length + 1
    list[length], at = decode(text, at, depth)
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "]" then return list, at + 1 end
    if c ~= "," then fail(at, "no ',' or ']'") end
    at = skip(text, at + 1)
  end
end

local function decode_object(text, at, depth)
  local object = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    if text:sub(at, at) ~= '"' then fail(at, "no name") end
    local name
    name, at = decode_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(at, "no ':'") end
    object[name], at = decode(text, skip(text, at + 1), depth)
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "}" then return object, at + 1 end
    if c ~= "," then fail(at, "no ',' or '}'") end
    at = skip(text, at + 1)
  end
end

local words = { { "true", true }, { "false", false }, { "null", json.null } }

function decode(text, at, depth)
  if depth > DEEPEST then fail(at, "a value deeper than " .. DEEPEST) end
  local c = text:sub(at, at)
  if c == '"' then return decode_string(text, at) end
  if c == "[" then return decode_list(text, at, depth + 1) end
  if c == "{" then return decode_object(text, at, depth + 1) end
  for _, word in ipairs(words) do
    if text:sub(at, at + #word[1] - 1) == word[1] then return word[2], at + #word[1] end
  end
  local number = text:match("^-?%d[%d.eE+-]*", at)
  local value = number and tonumber(number)
  if not value then fail(at, "no value") end
  return value, at + #number
end

--- The value that a text of JSON says. What is no JSON is an error that names the byte.
---
---     local read = json.decode '{ "pid": 1, "parent": null }'
---     print(read.pid, read.parent == json.null)
---@param text string
---@return any
function json.decode(text)
  local value, at = decode(text, skip(text, 1), 0)
  at = skip(text, at)
  if at <= #text then fail(at, "more than one value") end
  return value
end

return { json = json }
