-- What tests of tools are written in: cases, runs of a tool, and what they came to.
local host = ...

-- A stranger's cases are named before anybody has said yes to them: they reach no file, and code is text, not bytecode.
dofile, loadfile, string.dump = nil, nil, nil
local load_any = load
function load(chunk, name, _, ...) return load_any(chunk, name, "t", ...) end

local test = { cases = {} }

local function fail(message, ...) error(host.here() .. ": " .. message:format(...), 0) end

-- case(name, [{ needs =, example = },] function): something that holds.
function test.case(name, options, body)
  if type(options) == "function" then options, body = {}, options end
  if type(name) ~= "string" or type(body) ~= "function" then fail "case takes a name, options if any, and a function" end
  for key in pairs(options) do
    if key ~= "needs" and key ~= "example" then fail("a case has 'needs' and 'example', not '%s'", key) end
  end
  local needs = options.needs or {}
  if type(needs) == "string" then needs = { needs } end
  table.insert(test.cases, { name = name, needs = needs, example = options.example or false, body = body })
end

function test.check(condition, message)
  if not condition then fail("%s", message or "it does not hold") end
  return condition
end

local function shown(value) return type(value) == "string" and ("%q"):format(value) or tostring(value) end

function test.equal(got, want, what)
  if got ~= want then fail("%s%s, not %s", what and what .. ": " or "", shown(got), shown(want)) end
end

function test.kernel() return host.readfile "/proc/sys/kernel/osrelease" end

test.readfile = host.readfile

-- A shell command, to its end: what it printed.
function test.sh(command)
  local ended = host.start({ "sh", "-c", command }, false):finish()
  if ended.status ~= 0 then fail("'%s' ended with %d: %s", command, ended.status, ended.err) end
  return ended.out
end

local Process = {}
Process.__index = Process

-- A program that runs beside the case, and ends with it.
function test.start(command)
  local actor = host.start({ "sh", "-c", "exec " .. command }, false)
  return setmetatable({ actor = actor, pid = actor:pid() }, Process)
end

-- Waits until it prints that line.
function Process:hear(line)
  local problem = self.actor:hear(line)
  if problem then fail("%s", problem) end
end

function Process:send(line) self.actor:send(line) end

function Process:wait() return self.actor:finish() end

function Process:stop()
  self.actor:signal "TERM"
  return self.actor:finish()
end

local Got = {}
Got.__index = Got

function Got:lines()
  local lines = {}
  for line in self.out:gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

-- Upper case, but for a unit: READ/s, LAT(ms), R_Kb.
local function headings(line)
  local words = {}
  for word in line:gmatch "%S+" do
    local name = word:gsub("[/(K]%l%l?%)?$", "")
    if not (name:find "^[%u%d_/%%()@#.+-]+$" and (name:find "%u" or name == "-" and #words > 0)) then return nil end
    words[#words + 1] = word
  end
  return #words > 1 and words
end

-- As many fields as there are headings, the last one to the end of the line.
local function fields(line, names)
  local row, at = {}, 1
  for i, name in ipairs(names) do
    local from, to = line:find(i < #names and "%S+" or "%S.*", at)
    if not from then return nil end
    local field = line:sub(from, to):match "^(.-)%s*$"
    row[name] = field:find "^-?%d+%.?%d*$" and tonumber(field) or field
    at = to + 1
  end
  return row
end

local function fits(row, wanted)
  for name, value in pairs(wanted) do
    if row[name] ~= value then return false end
  end
  return true
end

function Got:rows(wanted)
  local names, rows
  for _, line in ipairs(self:lines()) do
    local row = names and fields(line, names)
    if not names then
      names = headings(line)
      rows = names and {}
    elseif row and fits(row, wanted or {}) then
      rows[#rows + 1] = row
    end
  end
  if not rows then fail("no line of headings in:\n%s%s", self.out, self.err) end
  return rows
end

function Got:row(wanted)
  local rows = self:rows(wanted)
  if #rows == 1 then return rows[1] end
  local what = {}
  for name, value in pairs(wanted) do what[#what + 1] = name .. " = " .. shown(value) end
  table.sort(what)
  fail("%d rows with %s in:\n%s", #rows, table.concat(what, ", "), self.out)
end

local function quoted(word)
  if word:find "^[%w_./:,=+@%%-]+$" then return word end
  if word:find "'" and not word:find '["$`\\!]' then return '"' .. word .. '"' end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local OPTIONS = { command = true, during = true, lasting = true, status = true, says = true, stdin = true }

-- moontrace with a tool: run{ "opensnoop", "-x", command = "cat /etc/hostname" }
function test.run(what)
  local words, tail = {}, {}
  for name in pairs(what) do
    if math.type(name) ~= "integer" and not OPTIONS[name] then fail("run has no '%s'", tostring(name)) end
  end
  if what.command then words[1], words[2] = "-c", what.command end
  if what.lasting then table.move({ "--duration", what.lasting }, 1, 2, #words + 1, words) end
  for i = 2, #what do tail[#tail + 1] = tostring(what[i]) end
  local tool = what[1]
  local program = table.move(words, 1, #words, 3, { host.program, "run" })
  for _, word in ipairs(host.tool(tool)) do table.insert(program, word) end
  local actor = host.start(table.move(tail, 1, #tail, #program + 1, program), true)
  if what.stdin then actor:send(what.stdin) end
  if what.during then
    actor:ready()
    if type(what.during) == "string" then test.sh(what.during) else what.during() end
    actor:signal "INT"
  end
  local got = setmetatable(actor:finish(), Got)
  -- Whatever runs beside a test, the kernel may skip a program for it: what a case counts on shows whether it matters.
  got.err = got.err:gsub("[^\n]+: the kernel skipped %d+ hits[^\n]*\n", "")
  local said = got.out .. got.err
  if got.status ~= (what.status or 0) then fail("it ended with %d, not %d:\n%s", got.status, what.status or 0, said) end
  if what.says and not got.err:find(what.says) then fail("'%s' is not in what it says:\n%s", what.says, said) end
  if not what.says and got.err ~= "" then fail("it complains:\n%s", said) end
  table.insert(words, tool)
  for _, word in ipairs(tail) do table.insert(words, word) end
  for i, word in ipairs(words) do words[i] = quoted(word) end
  test.ran(tool, "# moontrace " .. table.concat(words, " ") .. "\n" .. got.err .. got.out)
  return got
end

-- The first run of a case that is an example.
local example

function test.ran(tool, text)
  if not example then return end
  example = false
  host.write_example(tool, text)
  if host.writes_examples then return end
  local kept = host.example(tool)
  if not kept then fail("there is no example of %s: 'moontrace test --examples FOLDER' writes it", tool) end
  local function shape(of)
    -- Numbers and the names of temporary files are others each time.
    local shape = { (of:match "^[^\n]*":gsub("/tmp/[%w._]+", "/tmp/F"):gsub("%d+", "N")) }
    for line in of:gmatch "[^\n]+" do
      local names = headings(line)
      if names then
        shape[2] = table.concat(names, " ")
        break
      end
    end
    return table.concat(shape, "\n")
  end
  if shape(kept) ~= shape(text) then
    fail("the example of %s is another:\n%s\nand not\n%s\n'moontrace test --examples FOLDER' writes it", tool, shape(kept), shape(text))
  end
end

-- Called by the host.
function test.perform(number)
  local case = test.cases[number]
  example = case.example
  case.body()
  if example then fail "an example runs a tool" end
end

return test
