---@meta
-- Made from the tables in host/src/lua: `MOONTRACE_WRITE=1 cargo test -p moontrace docs`.

--- A probe and what is to be done at it: steps in the order written, then one ending.
---@class probe
local probe = {}

---`:where(condition)` Lets only events through for which the condition holds. It is decided in the kernel.
function probe:where(...) end

---`:fetch(list)` Adds fields to the event, as `e.name`.
function probe:fetch(...) end

---`:by(list)` The keys of the tally that the chain ends in.
function probe:by(...) end

---`:within(span[, key])` Lets only events through for which something of the span is open under the key (`tid` unless said). It is `from` for what stands behind. With a set, only events whose key is in it, as `:where "key in $s"` does: `:within(s, "pid")`.
function probe:within(...) end

---`:without(span[, key])` Lets only events through for which nothing of the span is open under the key, or whose key is not in the set.
function probe:without(...) end

---`:finish(span[, key])` As `:within`, and takes out what it finds: behind it are `from.NAME`, `from.time` and `elapsed`. A chain that has no ending then prints nothing.
function probe:finish(...) end

---`:with{ name = value }` What `$name` means in the texts of this chain, before the script's options.
function probe:with(...) end

---`:name(text)` What output and books call the probe.
function probe:name(...) end

---`:on(function(e) … end)` Ends the chain: the function gets every event. What it reads of `e` is fetched in the kernel.
function probe:on(...) end

---`:print([list])` Ends the chain: prints every event. Without a list: time, comm, pid and the arguments.
function probe:print(...) end

---`:count()` Ends the chain: counts events, by the keys. Returns the tally.
function probe:count(...) end

---`:sum(expr)` Ends the chain: adds up a value, by the keys. Returns the tally.
function probe:sum(...) end

---`:hist(expr[, bits])` Ends the chain: a histogram of a value in powers of two, each split by 0 to 5 bits, by the keys. Returns the tally.
function probe:hist(...) end

---`:lhist(expr, min, max, step)` Ends the chain: a histogram of a value in equal steps, by the keys. Returns the tally.
function probe:lhist(...) end

---`:avg(expr)` Ends the chain: the average of a value, by the keys. Returns the tally.
function probe:avg(...) end

---`:min(expr)` Ends the chain: the smallest value, by the keys. Returns the tally.
function probe:min(...) end

---`:max(expr)` Ends the chain: the largest value, by the keys. Returns the tally.
function probe:max(...) end

---`:stats(expr)` Ends the chain: count, sum, average, smallest and largest value, by the keys. Returns the tally.
function probe:stats(...) end

---`:tally([tally,] columns)` Ends the chain: feeds columns such as `n = count(), bytes = sum(retval)`. Returns the tally.
function probe:tally(...) end

---`:start(span[, key])` Ends the chain: something begins, known by the key (`tid` unless said). What the chain fetches is stored. One that is open already begins anew, and keeps what is not stored again.
function probe:start(...) end

---`:mark(span[, key])` Ends the chain: adds what the chain fetches to what is open under the key.
function probe:mark(...) end

---`:add(set, key)` Ends the chain: the kernel puts the key into the set, and what happens next sees it there.
function probe:add(...) end

---`:remove(set, key)` Ends the chain: the kernel takes the key out of the set.
function probe:remove(...) end

---`:detach()` Takes the probe away. A tally that it fed stays readable.
function probe:detach(...) end

--- A table in the kernel that probes feed. One that the script neither reads nor prints is printed at exit.
---@class tally
local tally = {}

---`:rows()` Every row as a plain table, largest last.
function tally:rows(...) end

---`:get(key…)` The row of these keys; one with zeros where there is none.
function tally:get(...) end

---`:top(n[, column|function])` The n largest rows by a column or by a function of a row, largest first.
function tally:top(...) end

---`:group(field, column)` A row for each value of the field: the sum of the column, and how many rows there were.
function tally:group(...) end

---`:take()` Reads and empties the tally; no event is lost between. Returns a table with the same methods for reading.
function tally:take(...) end

---`:clear()` Empties the tally.
function tally:clear(...) end

---`:print{ top =, sort =, title =, rate = }` Prints the tally, largest last; with `rate`, counts and sums are so much a second. In the body of a script it says how it is printed at exit.
function tally:print(...) end

---`:flamegraph(file[, { column =, title = }])` Draws the stacks among the keys as a flame graph, an SVG image; keys that are no stacks are its roots. Frames are as wide as the first column says, or the one that is named. In the body of a script it says how the tally is shown at exit.
function tally:flamegraph(...) end

---`:folded([file][, { column = }])` The stacks as lines of folded text, `comm;main;read 12`, outermost frame first: returned, or written to a file.
function tally:folded(...) end

---`:every(period[, { top =, sort =, title =, rate = }])` Takes and prints the tally again and again, and at the end what is left. Without a period (nil or false) it says nothing.
function tally:every(...) end

---`:live(period[, { top =, sort =, title =, rate = }])` Takes the tally again and again and draws it in the same place, largest first, with all others that are live. Not on a terminal, one stands below the other. Without a period (nil or false) it says nothing.
function tally:live(...) end

---`:name(text)` What output calls the tally, said before a probe feeds it.
function tally:name(...) end

---`:detach()` Takes away the probe whose ending gave this tally. It stays readable.
function tally:detach(...) end

--- A tally as it was taken: it does not change any more. `#t` counts its rows, `t.seconds` is the time in which they came together.
---@class table
local table = {}

---`:rows()` Every row as a plain table, largest last.
function table:rows(...) end

---`:get(key…)` The row of these keys; one with zeros where there is none.
function table:get(...) end

---`:top(n[, column|function])` The n largest rows by a column or by a function of a row, largest first.
function table:top(...) end

---`:group(field, column)` A row for each value of the field: the sum of the column, and how many rows there were.
function table:group(...) end

---`:print{ top =, sort =, title =, rate = }` Prints the table, largest last.
function table:print(...) end

---`:flamegraph(file[, { column =, title = }])` Draws the stacks among the keys as a flame graph, an SVG image; keys that are no stacks are its roots. Frames are as wide as the first column says, or the one that is named.
function table:flamegraph(...) end

---`:folded([file][, { column = }])` The stacks as lines of folded text, `comm;main;read 12`, outermost frame first: returned, or written to a file.
function table:folded(...) end

--- How often values fell into which bucket: `h.count`, and `h.buckets` with `min`, `max` (both inclusive, nil where open) and `count`.
---@class histogram
local histogram = {}

---`:percentile(p)` The largest value of the bucket that the p-th percentile lies in; nil when that bucket has no end, or there is none.
function histogram:percentile(...) end

--- Things that have begun, by key: chains put them in by `:start`, add to them by `:mark`, and find them by `:within` and `:finish`.
---@class span
local span = {}

---`:open([age])` What has begun and not ended, at least so old: a table of the key, the fields, `age` and `time` in ns, oldest last.
function span:open(...) end

--- A stack, innermost frame first. `#s` counts its frames; `s[i]` is one, with `addr`, `name`, `offset`, `inlined` and, where they are known, `symbol`, `module`, `file` and `line`. `for i, frame in ipairs(s)` goes through them, `tostring(s)` has a line for each. `s.mark` is `[truncated]` or `[failed: …]` of one that is not whole. Equal stacks are equal, as keys of a table, too.
---@class stack
local stack = {}

--- Numbers, strings or tuples that texts look into (`key in $s`, `:within(s, key)`) and that probes change (`:add(s, key)`, `:remove(s, key)`). A change works at once; `#s` counts them.
---@class set
local set = {}

---`:add(value)` Puts a member in.
function set:add(...) end

---`:remove(value)` Takes a member out.
function set:remove(...) end

---`:has(value)` Is the value a member? What probes have added counts, too.
function set:has(...) end

--- A value that texts read as `$name` (given by `:with`). A change works at once in running probes.
---@class variable
local variable = {}

---`:set(value)` Changes the value; its type stays.
function variable:set(...) end

---`:get()` The value.
function variable:get(...) end

-- Probes.

---`probe(spec)` Begins a chain: where to probe, then steps, then one ending. Without an ending it prints every event.
function probe(...) end

---`exists(spec)` Is there anything on this machine that the spec matches?
function exists(...) end

---`define("f(x) = expr")` Names an expression for the texts of later probes.
function define(...) end

-- What probes share.

---`tally{ keys = 4096, lru = false, stacks = 8192 }` A table that several probes may feed, each by `:tally(t, columns)`. It has room for so many keys; when it is full, updates of new keys are lost and counted, or with `lru` the key that was used least recently goes. Of stacks among the keys it has room for `stacks` different ones, a kilobyte each.
function tally(...) end

---`span([list,] { keys = 16384, stacks = 8192 })` Things that have begun, by key. Each start stores the time, what the list says, what it fetches, and what is read of it as `from.NAME`. There is room for so many open ones; when it is full, starts are lost and counted. Of stacks that are stored it has room for `stacks` different ones, a kilobyte each.
function span(...) end

---`set{ value, …, keys = 65536 }` Numbers, strings or tuples that texts look into (`key in $s`, given by `:with`) and that probes change. It has room for so many; what finds none is lost and counted, in a handler an error.
function set(...) end

---`var(value)` A number or string that texts read as `$name`, given by `:with`, and that may change while probes run.
function var(...) end

-- Time: timers count from when everything is attached.

---`every(period, function)` Calls the function again and again.
function every(...) end

---`after(delay, function)` Calls the function once.
function after(...) end

---`now()` The time by the clock of `e.time`, in ns.
function now(...) end

-- The run.

---`on_start(function)` Calls the function once everything is attached.
function on_start(...) end

---`on_exit(function)` Calls the function at the end, after the last event.
function on_exit(...) end

---`on_signal(name, function)` Calls the function each time moontrace gets that signal: USR1, USR2, HUP and others. Those that end a run are not to be had.
function on_signal(...) end

---`exit([status])` Ends the run here: no handler runs any more, only the functions of `on_exit`.
function exit(...) end

-- Options.

---`options()` The values of the options that the script's header declares: `opt.no_clear` for `--no-clear`.
function options(...) end

-- The machine and modules.

---`readfile(path)` The text of a file in /proc or /sys, without its last newline; nil when it can't be read.
function readfile(...) end

---`ksym(address)` The name of the kernel's function that an address is in; the address itself where that is not known.
function ksym(...) end

---`usym(address, pid)` The name of the function that an address of a process is in; where that is not known its module and where in it, or the address itself.
function usym(...) end

---`cgroupid(path)` The number that `cgroup` gives in texts, of the cgroup (version 2) with that folder: `set{ cgroupid "/sys/fs/cgroup/user.slice" }`.
function cgroupid(...) end

---`require(name)` A module: `json`, or the value of `lib/NAME.lua` beside the script.
function require(...) end

-- Output.

---`print(…)` Prints values with tabs between, and a newline.
function print(...) end

---`printf(format, …)` Prints as `string.format` formats, without a newline of its own. A nil prints as `nil` in every conversion; `%u` takes an integer without its sign.
function printf(...) end
