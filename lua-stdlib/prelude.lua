-- The sandbox: what stands between a script and the parts of Lua that reach out of it, or that could hide that it is
-- being stopped. Runs once, before the script; `host` is the VM's side of it.
local host = ...
local enter, leave, caught, uncatchable = host.enter, host.leave, host.caught, host.uncatchable
local error, load, pcall, xpcall, select, setmetatable = error, load, pcall, xpcall, select, setmetatable
local rawget, type, collectgarbage, sub = rawget, type, collectgarbage, string.sub
local create, resume, close = coroutine.create, coroutine.resume, coroutine.close

-- An error of the host's becomes text when it is caught; `exit` and Ctrl-C are raised again.
local function settle(ok, problem, ...)
  if ok then return ok, problem, ... end
  return false, caught(problem)
end

function _G.pcall(...) return settle(pcall(...)) end

function _G.xpcall(f, handler, ...)
  local function handle(problem)
    if uncatchable(problem) then return problem end
    return handler(caught(problem))
  end
  return settle(xpcall(f, handle, ...))
end

function coroutine.resume(co, ...) return settle(leave(enter(co), resume(co, ...))) end

function coroutine.close(co) return settle(leave(enter(co), close(co))) end

local function pass(co, ok, ...)
  if ok then return ... end
  close(co)
  error((...), 0)
end

function coroutine.wrap(f)
  local co = create(f)
  return function(...) return pass(co, leave(enter(co), resume(co, ...))) end
end

-- Text only: bytecode can crash Lua. And no text is taken for a file: whose code it is, `require` and messages tell by that.
function _G.load(chunk, name, _, ...)
  if type(name) == "string" and sub(name, 1, 1) == "@" then name = "=" .. sub(name, 2) end
  if select("#", ...) > 0 then return load(chunk, name, "t", (...)) end
  return load(chunk, name, "t")
end

-- A finalizer would run where no Ctrl-C and no error policy reaches.
function _G.setmetatable(t, metatable)
  if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
    error("a metatable with '__gc' isn't possible in a script ('__close' is)", 2)
  end
  return setmetatable(t, metatable)
end

function _G.collectgarbage(what)
  if what ~= nil and what ~= "collect" and what ~= "count" then
    error("collectgarbage takes 'collect' or 'count' in a script", 2)
  end
  return collectgarbage(what)
end

string.dump = nil
