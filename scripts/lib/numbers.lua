-- The number that a word says, or that is called so: 2 of number("ENOENT", errno, 4095) and number("2", errno, 4095).
-- nil where it is neither.
return function(word, name_of, largest)
  for n = 0, largest do
    if name_of(n) == word then return n end
  end
  return tonumber(word, 10)
end
