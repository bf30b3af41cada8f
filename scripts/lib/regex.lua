-- A regular expression as a pattern with * ? and {a,b}, which is all that SPECs know; or nil and what a pattern can't
-- say. As in BCC's tools it is held against the beginning of a name: `^` says nothing new, `$` is the end.
local function class(inside)
  local letters = {}
  inside = inside:gsub("(.)-(.)", function(from, to)
    for code = from:byte(), to:byte() do letters[#letters + 1] = string.char(code) end
    return ""
  end)
  for letter in inside:gmatch "." do letters[#letters + 1] = letter end
  return "{" .. table.concat(letters, ",") .. "}"
end

local function translate(regex)
  local at = 1
  local alternatives

  local function fail()
    error(("the regular expression '%s' is too much at '%s': . .* .+ x? (a|b) [a-z] \\d ^ $ are possible")
      :format(regex, regex:sub(at)), 0)
  end

  local function take(pattern)
    local from, to, found = regex:find("^" .. pattern, at)
    if from then at = to + 1 end
    return from and (found or true)
  end

  local function atom()
    local literal = take "([%w_])" or take "\\(%p)"
    if literal then return literal end
    if take "%." then return "?" end
    if take "\\d" then return class "0-9" end
    local inside = take "%[([^%]^\\]+)%]"
    if inside then return class(inside) end
    if not take "%(" then fail() end
    local group = alternatives()
    if not take "%)" then fail() end
    return group
  end

  local function sequence()
    local items = {}
    while at <= #regex and not regex:find("^[|)$]", at) do
      local one = atom()
      if one == "?" and take "%*" then one = "*"
      elseif one == "?" and take "%+" then one = "?*"
      elseif take "%?" then one = "{," .. one .. "}" end
      items[#items + 1] = one
    end
    return table.concat(items)
  end

  function alternatives(is_whole)
    local all = {}
    repeat
      if is_whole then take "%^" end
      local one = sequence()
      if is_whole and not take "%$" then one = one .. "*" end
      all[#all + 1] = one
    until not take "|"
    return #all > 1 and "{" .. table.concat(all, ",") .. "}" or all[1]
  end

  local pattern = alternatives(true)
  if at <= #regex then fail() end
  return pattern
end

return function(regex)
  local ok, pattern = pcall(translate, regex)
  if ok then return pattern end
  return nil, pattern
end
