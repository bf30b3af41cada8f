-- Lines in columns: columns{ { "PID", "%-6d" }, wanted and { "UID", "%-6d" }, … } prints the headings and gives a function
-- that prints a line: line{ PID = 1, UID = 0 }. What is nil there couldn't be read: it is `<fault>`.

-- What processes choose themselves, file names or arguments, must not steer the terminal or begin a line.
local named = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function plain(value)
  if type(value) ~= "string" then return value end
  return (value:gsub("%c", function(c) return named[c] or ("\\x%02x"):format(c:byte()) end))
end

-- The format that makes words as wide as this one makes numbers.
local function of_words(format) return (format:gsub("^(%%%-?)0?(%d*).*", "%1%2s")) end

return function(wanted)
  local columns, headings = {}, {}
  for _, column in ipairs(wanted) do
    if column then
      columns[#columns + 1] = { name = column[1], format = column[2], words = of_words(column[2]) }
      headings[#headings + 1] = columns[#columns].words:format(column[1])
    end
  end
  print(table.concat(headings, " "))

  return function(row)
    local cells = {}
    for i, column in ipairs(columns) do
      local value = plain(row[column.name])
      local format = type(value) == "number" and column.format or column.words
      cells[i] = format:format(value == nil and "<fault>" or value)
    end
    print(table.concat(cells, " "))
  end
end
