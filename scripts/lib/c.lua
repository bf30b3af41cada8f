-- C's expressions as BCC's tools take them, made texts:
--   (int)retval < 0 && !STRCMP("a", arg1)    as('int', retval) < 0 and not (string(arg0) == "a")
-- Operators bind as in C, where `a & b == c` is another thing than in Lua; a number is true unless it is 0.
local c = {}

-- By how tightly they bind in C: the operator, as texts write it, how tightly it binds there, what it takes and gives.
local operators = {
  ["||"] = { 1, "or", 1, "logic" }, ["&&"] = { 2, "and", 2, "logic" },
  ["|"] = { 3, "|", 4 }, ["^"] = { 4, "~", 5 }, ["&"] = { 5, "&", 6 },
  ["=="] = { 6, "==", 3, "compare" }, ["!="] = { 6, "~=", 3, "compare" },
  ["<"] = { 7, "<", 3, "compare" }, ["<="] = { 7, "<=", 3, "compare" },
  [">"] = { 7, ">", 3, "compare" }, [">="] = { 7, ">=", 3, "compare" },
  ["<<"] = { 8, "<<", 7 }, [">>"] = { 8, ">>", 7 }, ["+"] = { 9, "+", 8 }, ["-"] = { 9, "-", 8 },
  ["*"] = { 10, "*", 9 }, ["/"] = { 10, "/", 9 }, ["%"] = { 10, "%", 9 },
}
local UNARY, WHOLE = 10, 11

-- Lua's words mean the same here.
local spellings = { ["or"] = "||", ["and"] = "&&", ["not"] = "!", ["~="] = "!=" }

local types = {}
for word in ("void char short int long signed unsigned bool float double struct union enum const"):gmatch "%l+" do
  types[word] = true
end

local function is_type(word) return types[word] or word:find "_t$" or word:find "^_*[us]%d+$" or word:find "^__user$" end

local function fail(text, why) error(("%s\n  %s"):format(why, text), 0) end

-- A text's words, each with the blanks before it.
function c.words(text)
  local words, at = {}, 1
  local function take(kind, pattern)
    local from, to = text:find("^%s*" .. pattern, at)
    if not from then return false end
    local blank, word = text:sub(from, to):match "^(%s*)(.*)$"
    words[#words + 1], at = { kind = kind, blank = blank, text = word }, to + 1
    return true
  end
  while text:find("%S", at) do
    local known = take("number", "0[xX]%x+") or take("number", "%d+%a*") or take("name", "[%a_$][%w_$]*")
      or take("string", '"[^"]*"') or take("string", "'[^']*'") or take("user", "@user")
      or take("sign", "[-<>=!~]?[<>=]") or take("sign", "&&") or take("sign", "||") or take("sign", "%p")
    if not known then fail(text, "an unknown sign in an expression") end
  end
  return words
end

-- What stands between commas, outside of brackets and quotes.
function c.split(text)
  local parts, depth, part = {}, 0, ""
  for _, word in ipairs(c.words(text)) do
    if word.text:find "^[%[({]$" then depth = depth + 1 end
    if word.text:find "^[%])}]$" then depth = depth - 1 end
    if word.text == "," and depth == 0 then
      parts[#parts + 1], part = part, ""
    else
      part = part .. word.blank .. word.text
    end
  end
  if part ~= "" or #parts > 0 then parts[#parts + 1] = part end
  for i in ipairs(parts) do parts[i] = parts[i]:match "^%s*(.-)%s*$" end
  return parts
end

-- A text of moontrace's own in which signs may be C's. Nothing else changes.
function c.respell(text)
  local lua, out = { ["&&"] = "and", ["||"] = "or", ["!"] = "not" }, ""
  for _, word in ipairs(c.words(text)) do
    local spelt = lua[word.text]
    out = out .. (word.text == "->" and "." or word.blank .. (spelt and (" %s "):format(spelt) or word.text))
  end
  return out
end

-- What has been read so far: its text, how tightly that binds, and `truth` where it is no number. `address` is the text
-- of a bare number that may be the address of a string.
local function node(text, rank, more)
  local made = more or {}
  made.text, made.rank = text, rank
  return made
end

local function bracketed(part, rank) return part.rank >= rank and part.text or "(" .. part.text .. ")" end

local function truth(part)
  if part.truth then return part end
  return node(bracketed(part, 4) .. " ~= 0", 3, { truth = true })
end

local function value(part)
  if not part.truth then return part end
  return node(bracketed(part, 3) .. " and 1 or 0", 1)
end

local function string(part) return part.address and ("string(%s)"):format(part.address) or part.text end

local Reader = {}
Reader.__index = Reader

function Reader:peek(ahead)
  local word = self.words[self.at + (ahead or 0)]
  return word and (spellings[word.text] or word.text), word and word.kind
end

function Reader:accept(text)
  if self:peek() ~= text then return false end
  self.at = self.at + 1
  return true
end

function Reader:expect(text)
  if not self:accept(text) then fail(self.text, ("'%s' is missing before '%s'"):format(text, self:peek() or "the end")) end
end

function Reader:word(kind)
  local text, found = self:peek()
  if found ~= kind then fail(self.text, ("a %s is missing before '%s'"):format(kind, text or "the end")) end
  self.at = self.at + 1
  return text
end

-- The type in `(type)`; nil where no cast stands.
function Reader:cast()
  local at, words = 1, {}
  if self:peek() ~= "(" or not is_type(self:peek(1) or "") then return nil end
  while self:peek(at) ~= ")" do
    local text, kind = self:peek(at)
    if kind ~= "name" and text ~= "*" then return nil end
    words[#words + 1], at = text, at + 1
  end
  self.at = self.at + at + 1
  return table.concat(words, " ")
end

function Reader:arguments()
  local list = {}
  if self:accept ")" then return list end
  repeat list[#list + 1] = self:choice() until not self:accept ","
  self:expect ")"
  return list
end

-- BCC's STRCMP says whether they are equal: a string, or bytes as in "{0x6C, 0x00}".
local function strcmp(reader, list)
  if #list ~= 2 then fail(reader.text, 'STRCMP takes a string in quotes and what it is compared with') end
  local bytes, of, parts = list[1].text:match '^"%s*{(.*)}%s*"$', list[2], {}
  if not bytes then return node(string(of) .. " == " .. list[1].text, 3, { truth = true }) end
  for byte in bytes:gmatch "%w+" do
    parts[#parts + 1] = ("byte(%s, %d) == %s"):format(of.address or of.text, #parts, byte)
  end
  return node(table.concat(parts, " and "), 2, { truth = true })
end

function Reader:call(name)
  local list = self:arguments()
  if name == "STRCMP" then return strcmp(self, list) end
  local texts = {}
  for i, part in ipairs(list) do texts[i] = part.text end
  return node(("%s(%s)"):format(name:gsub("^%$", ""), table.concat(texts, ", ")), WHOLE)
end

function Reader:primary()
  local text, kind = self:peek()
  if kind == "number" then
    self.at = self.at + 1
    return node(text:find "^%d+[uUlL]+$" and text:match "%d+" or text, WHOLE)
  elseif kind == "string" then
    self.at = self.at + 1
    return node(text, WHOLE)
  elseif self:accept "(" then
    local inner = self:choice()
    self:expect ")"
    return inner
  end
  local name = self:word "name"
  if self:accept "(" then return self:call(name) end
  local known = self.names(name)
  if self:peek() == "@user" then self.at = self.at + 1 end
  if type(known) == "table" then return node(known.text, WHOLE, { address = known.address, members = known.members }) end
  return node(known or name, WHOLE)
end

function Reader:member(of)
  local name = self:word "name"
  if not of.members then return node(bracketed(of, WHOLE) .. "." .. name, WHOLE) end
  return of.members[name] or fail(self.text, of.members[1]:format(name))
end

function Reader:postfix()
  local part = self:primary()
  while true do
    if self:accept "." or self:accept "->" then
      part = self:member(part)
    elseif self:accept "[" then
      part = node(("%s[%s]"):format(bracketed(part, WHOLE), self:choice().text), WHOLE)
      self:expect "]"
    else
      return part
    end
  end
end

function Reader:unary()
  local type = self:cast()
  if type then return c.typed(type, value(self:unary())) end
  if self:accept "!" then return node("not " .. bracketed(truth(self:unary()), UNARY), UNARY, { truth = true }) end
  if self:accept "*" then return node(bracketed(self:unary(), WHOLE) .. "[0]", WHOLE) end
  if self:accept "&" then return node(("ptr(%s)"):format(self:unary().text), WHOLE) end
  for _, sign in ipairs { "-", "~" } do
    if self:accept(sign) then return node(sign .. bracketed(value(self:unary()), UNARY), UNARY) end
  end
  return self:postfix()
end

-- What a value is once it has been declared or cast to a type of C's.
function c.typed(type, part)
  if type:find "%f[%w]char%f[%W]" and select(2, type:gsub("%*", "")) == 1 then
    return node(("string(%s)"):format(part.text), WHOLE, { address = part.text })
  end
  local cast = ("as('%s', %s)"):format(type, part.text)
  -- The kernel has renamed it, programs have not.
  local renamed, found = cast:gsub("struct timespec%f[^%w_]", "struct __kernel_timespec")
  if found > 0 then cast = ("first(%s, %s)"):format(cast, renamed) end
  return node(cast, WHOLE)
end

local function joined(sign, left, right)
  local _, text, rank, kind = table.unpack(operators[sign])
  local take = kind == "logic" and truth or value
  left, right = take(left), take(right)
  local side = kind == "compare" and rank + 1 or rank
  return node(("%s %s %s"):format(bracketed(left, side), text, bracketed(right, rank + 1)), rank, { truth = kind and true })
end

function Reader:binary(least)
  local left = self:unary()
  while true do
    local sign = self:peek()
    local operator = operators[sign]
    if not operator or operator[1] < least then return left end
    self.at = self.at + 1
    left = joined(sign, left, self:binary(operator[1] + 1))
  end
end

function Reader:choice()
  local condition = self:binary(1)
  if not self:accept "?" then return condition end
  local yes = value(self:choice())
  self:expect ":"
  return node(("%s and %s or %s"):format(bracketed(truth(condition), 2), bracketed(yes, 3), bracketed(value(self:choice()), 2)), 1)
end

-- Reads an expression. `names(word)` is what a word means: a text, or { text =, address = }; nil leaves it as it is.
function c.expression(text, names)
  local reader = setmetatable({ text = text, words = c.words(text), at = 1, names = names }, Reader)
  local read = reader:choice()
  if reader:peek() then fail(text, ("'%s' is one too many"):format(reader:peek())) end
  return read
end

c.node, c.truth, c.value, c.string = node, truth, value, string

return c
