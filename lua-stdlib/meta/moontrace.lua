---@meta moontrace
-- Made by `moontrace types DIR`.

---A row of a table: keys and columns by their names.
---@alias moontrace.row table<string, any>

---What a set holds: numbers, strings, and tuples of them.
---@alias moontrace.member integer|string|(integer|string)[]

---A probe and what is to be done at it: steps in the order written, then one ending.
---```lua
---probe "tracepoint:syscalls:sys_exit_openat"
---  :where "retval < 0"
---  :by "comm, error = -retval"
---  :count()
---```
---@class moontrace.probe
local PROBE = {}

---Lets only events through for which the condition holds. It is decided in the kernel.
---```lua
---probe "tracepoint:syscalls:sys_exit_openat"
---  :where [[retval < 0 and comm ~= "sshd"]] :print "comm, retval"
---```
---@param condition? string|false
---@return moontrace.probe
function PROBE:where(condition) end

---Adds fields to the event, as `e.name`.
---```lua
---probe "tracepoint:syscalls:sys_exit_openat"
---  :fetch "file = args.filename, parent = curtask.real_parent.comm"
---  :on(function(e) print(e.parent, e.file) end)
---```
---@param list? string|false
---@return moontrace.probe
function PROBE:fetch(list) end

---The keys of the tally that the chain ends in.
---```lua
---probe "tracepoint:syscalls:sys_exit_read" :by "comm, args.fd" :count()
---```
---@param list? string|false
---@return moontrace.probe
function PROBE:by(list) end

---Lets only events through for which something of the span is open under the key (`tid` unless said). It is `from` for what stands behind. With a set, only events whose key is in it, as `:where "key in $s"` does: `:within(s, "pid")`.
---```lua
---local reads = span()
---probe "tracepoint:syscalls:sys_enter_read" :start(reads)
---probe "tracepoint:syscalls:sys_exit_read" :finish(reads)
---probe "tracepoint:exceptions:page_fault_kernel"
---  :within(reads) :by "comm" :count()
---```
---@param span? moontrace.span|moontrace.set|false
---@param key? string
---@return moontrace.probe
function PROBE:within(span, key) end

---Lets only events through for which nothing of the span is open under the key, or whose key is not in the set.
---```lua
---local known = set{ "sshd", "cron" }
---probe "tracepoint:syscalls:sys_exit_openat"
---  :without(known, "comm") :print "comm, args.filename"
---```
---@param span? moontrace.span|moontrace.set|false
---@param key? string
---@return moontrace.probe
function PROBE:without(span, key) end

---As `:within`, and takes out what it finds: behind it are `from.NAME`, `from.time` and `elapsed`. A chain that has no ending then prints nothing.
---```lua
---local reads = span()
---probe "tracepoint:syscalls:sys_enter_read"
---  :fetch "args.count" :start(reads)
---probe "tracepoint:syscalls:sys_exit_read"
---  :finish(reads) :where "retval < from.count"
---  :print "comm, from.count, retval, elapsed / 1us"
---```
---@param span? moontrace.span|false
---@param key? string
---@return moontrace.probe
function PROBE:finish(span, key) end

---What `$name` means in the texts of this chain, before the script's options.
---```lua
---probe "tracepoint:syscalls:sys_enter_read"
---  :with{ least = 4096 } :where "args.count >= $least"
---  :print "comm, args.count"
---```
---@param values? table<string, any>|false
---@return moontrace.probe
function PROBE:with(values) end

---What output and books call the probe.
---```lua
---probe "tracepoint:syscalls:sys_enter_openat"
---  :name "opens" :by "comm" :count()
---```
---@param text? string|false
---@return moontrace.probe
function PROBE:name(text) end

---Ends the chain: the function gets every event. What it reads of `e` is fetched in the kernel.
---```lua
---probe "tracepoint:syscalls:sys_exit_openat" :on(function(e)
---  if e.retval < 0 then print(e.comm, errno(e.retval), e.args.filename) end
---end)
---```
---@param handler fun(e: moontrace.event)
---@return moontrace.probe
function PROBE:on(handler) end

---Ends the chain: prints every event. Without a list: time, comm, pid and the arguments.
---```lua
---probe "tracepoint:syscalls:sys_exit_openat"
---  :print "pid, comm, file = args.filename"
---```
---@param list? string
---@return moontrace.probe
function PROBE:print(list) end

---Ends the chain: counts events, by the keys. Returns the tally.
---```lua
---probe "tracepoint:raw_syscalls:sys_enter" :by "comm" :count()
---```
---@return moontrace.tally
function PROBE:count() end

---Ends the chain: adds up a value, by the keys. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_exit_read"
---  :where "retval > 0" :by "comm" :sum "retval"
---```
---@param expr string
---@return moontrace.tally
function PROBE:sum(expr) end

---Ends the chain: a histogram of a value in powers of two, each split by 0 to 5 bits, by the keys. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_enter_read" :by "comm" :hist("args.count", 2)
---```
---@param expr string
---@param bits? integer|string
---@return moontrace.tally
function PROBE:hist(expr, bits) end

---Ends the chain: a histogram of a value in equal steps, by the keys. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_enter_read"
---  :lhist("args.count", 0, 4096, 512)
---```
---@param expr string
---@param min integer|string
---@param max integer|string
---@param step integer|string
---@return moontrace.tally
function PROBE:lhist(expr, min, max, step) end

---Ends the chain: the average of a value, by the keys. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_exit_read"
---  :where "retval > 0" :by "comm" :avg "retval"
---```
---@param expr string
---@return moontrace.tally
function PROBE:avg(expr) end

---Ends the chain: the smallest value, by the keys. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_exit_read"
---  :where "retval > 0" :by "comm" :min "retval"
---```
---@param expr string
---@return moontrace.tally
function PROBE:min(expr) end

---Ends the chain: the largest value, by the keys. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_exit_read" :by "comm" :max "elapsed / 1us"
---```
---@param expr string
---@return moontrace.tally
function PROBE:max(expr) end

---Ends the chain: count, sum, average, smallest and largest value, by the keys. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_exit_read" :by "comm" :stats "elapsed / 1us"
---```
---@param expr string
---@return moontrace.tally
function PROBE:stats(expr) end

---Ends the chain: feeds columns such as `n = count(), bytes = sum(retval)`. Returns the tally.
---```lua
---probe "tracepoint:syscalls:sys_exit_read"
---  :where "retval > 0" :by "comm"
---  :tally "reads = count(), bytes = sum(retval)"
---```
---@param tally moontrace.tally|string
---@param columns? string
---@return moontrace.tally
function PROBE:tally(tally, columns) end

---Ends the chain: something begins, known by the key (`tid` unless said). What the chain fetches is stored. One that is open already begins anew, and keeps what is not stored again.
---```lua
---local calls = span()
---probe "tracepoint:syscalls:sys_enter_execve"
---  :fetch "caller = comm" :start(calls)
---probe "tracepoint:syscalls:sys_exit_execve"
---  :finish(calls) :print "from.caller, comm, elapsed / 1us"
---```
---@param span moontrace.span
---@param key? string
---@return moontrace.probe
function PROBE:start(span, key) end

---Ends the chain: adds what the chain fetches to what is open under the key.
---```lua
---local runs = span()
---probe "tracepoint:sched:sched_process_exec"
---  :fetch "file = args.filename" :start(runs)
---probe "tracepoint:syscalls:sys_enter_exit_group"
---  :fetch "status = args.error_code" :mark(runs)
---probe "tracepoint:sched:sched_process_exit"
---  :finish(runs) :print "from.file, from.status, elapsed / 1ms"
---```
---@param span moontrace.span
---@param key? string
---@return moontrace.probe
function PROBE:mark(span, key) end

---Ends the chain: the kernel puts the key into the set, and what happens next sees it there.
---```lua
---local watched = set{}
---probe "tracepoint:syscalls:sys_enter_execve" :add(watched, "pid")
---probe "tracepoint:syscalls:sys_exit_openat"
---  :within(watched, "pid") :print "comm, args.filename"
---```
---@param set moontrace.set
---@param key string
---@return moontrace.probe
function PROBE:add(set, key) end

---Ends the chain: the kernel takes the key out of the set.
---```lua
---local young = set{}
---probe "tracepoint:syscalls:sys_enter_execve" :add(young, "pid")
---probe "tracepoint:syscalls:sys_enter_exit_group" :remove(young, "pid")
---probe "tracepoint:syscalls:sys_exit_openat"
---  :within(young, "pid") :print "comm, args.filename"
---```
---@param set moontrace.set
---@param key string
---@return moontrace.probe
function PROBE:remove(set, key) end

---Takes the probe away. A tally that it fed stays readable.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :on(function(e) print(e.comm) end)
---after("1s", function() opens:detach() end)
---```
function PROBE:detach() end

---What a handler is called with. It has the words of texts that the handler reads, and what `:fetch` names; what could not be read is nil. It is valid in its handler only.
---```lua
---local last
---probe "tracepoint:syscalls:sys_exit_openat"
---  :fetch "comm, retval, file = args.filename"
---  :on(function(e)
---    printf("%-16s %4d %s\n", e.comm, e.retval, e.file)
---    last = e:copy()
---  end)
---on_exit(function() if last then print("the last: " .. last.comm) end end)
---```
---@class moontrace.event
---@field pid integer The process, by the numbers of moontrace's own pid namespace.
---@field tid integer The thread, by the numbers of moontrace's own pid namespace.
---@field uid integer The user that the thread acts as.
---@field gid integer The group that the thread acts as.
---@field cpu integer The CPU that it happens on.
---@field time integer When it happens: ns of CLOCK_MONOTONIC, the same in all texts of one event.
---@field cgroup integer The number of the process's cgroup (version 2).
---@field comm string The thread's name, up to 15 bytes.
---@field ppid integer The process's parent, by the numbers of the machine.
---@field curtask any The `struct task_struct *` of the thread.
---@field kstack moontrace.stack The kernel's stack, up to 127 frames. It stands in lists only.
---@field ustack moontrace.stack The process's stack, up to 127 frames. It stands in lists only.
---@field args any The probe's arguments; `moontrace describe PROBE` lists them. Their names alone mean the same where nothing else is called so.
---@field retval any At returns: what the call returned.
---@field arg0 integer A function's arguments by their numbers.
---@field elapsed integer At returns: ns since the call began. Behind `:finish` and `:within`: ns since the start that they have found.
---@field from any What a span has stored of its start, behind `:finish` and `:within`; `from.time` is when it began.
---@field probe string The probe's name, of several that a pattern matches the one that was hit.
---@field func string The last part of the probe's name.
---@field copy fun(self: moontrace.event): table<string, any> `e:copy()` is a plain table of all fields, which can be kept.
---@field [string] any What `:fetch` names, and the arguments by their bare names.
local EVENT = {}

---A table in the kernel that probes feed. One that the script neither reads nor prints is printed at exit.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---every("1s", function()
---  for _, row in ipairs(opens:top(5)) do print(row.comm, row.count) end
---  opens:clear()
---end)
---```
---@class moontrace.tally
local TALLY = {}

---Every row as a plain table, largest last.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---on_exit(function()
---  for _, row in ipairs(opens:rows()) do print(row.comm, row.count) end
---end)
---```
---@return moontrace.row[]
function TALLY:rows() end

---The row of these keys; one with zeros where there is none.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---on_exit(function() print(opens:get("cat").count) end)
---```
---@param ... any
---@return moontrace.row
function TALLY:get(...) end

---The n largest rows by a column or by a function of a row, largest first.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---on_exit(function()
---  for _, row in ipairs(opens:top(3)) do print(row.comm, row.count) end
---end)
---```
---@param n integer
---@param by? string|fun(row: moontrace.row): number
---@return moontrace.row[]
function TALLY:top(n, by) end

---A row for each value of the field: the sum of the column, and how many rows there were.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm, pid" :count()
---on_exit(function() opens:group("comm", "count"):print() end)
---```
---@param field string
---@param column string
---@return moontrace.table
function TALLY:group(field, column) end

---Reads and empties the tally; no event is lost between. Returns a table with the same methods for reading.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---every("1s", function() opens:take():print{ top = 5 } end)
---```
---@return moontrace.table
function TALLY:take() end

---Empties the tally.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---on_signal("USR1", function() opens:clear() end)
---```
function TALLY:clear() end

---Prints the tally, largest last; with `rate`, counts and sums are so much a second. In the body of a script it says how it is printed at exit.
---```lua
---probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count() :print{ top = 5, title = "opens" }
---```
---@param options? { top?: integer, sort?: string, title?: string, rate?: boolean }
---@return moontrace.tally
function TALLY:print(options) end

---Draws the stacks among the keys as a flame graph, an SVG image; keys that are no stacks are its roots. Frames are as wide as the first column says, or the one that is named. In the body of a script it says how the tally is shown at exit.
---```lua
---probe "profile:hz:99" :by "ustack" :count() :flamegraph "cpu.svg"
---```
---@param file string
---@param options? { column?: string, title?: string }
---@return moontrace.tally
function TALLY:flamegraph(file, options) end

---The stacks as lines of folded text, `comm;main;read 12`, outermost frame first: returned, or written to a file.
---```lua
---local samples = probe "profile:hz:99" :by "comm, kstack" :count()
---on_exit(function() printf("%s", samples:folded()) end)
---```
---@param file? string|{ column?: string }
---@param options? { column?: string }
---@return string?
function TALLY:folded(file, options) end

---Takes and prints the tally again and again, and at the end what is left. Without a period (nil or false) it says nothing.
---```lua
---probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count() :every("1s", { top = 5 })
---```
---@param period? string|integer|false
---@param options? { top?: integer, sort?: string, title?: string, rate?: boolean }
---@return moontrace.tally
function TALLY:every(period, options) end

---Takes the tally again and again and draws it in the same place, largest first, with all others that are live. Not on a terminal, one stands below the other. Without a period (nil or false) it says nothing.
---```lua
---probe "tracepoint:raw_syscalls:sys_enter"
---  :by "comm" :count() :live("1s", { rate = true })
---```
---@param period? string|integer|false
---@param options? { top?: integer, sort?: string, title?: string, rate?: boolean }
---@return moontrace.tally
function TALLY:live(period, options) end

---What output calls the tally, said before a probe feeds it.
---```lua
---local calls = tally() :name "calls"
---probe "tracepoint:raw_syscalls:sys_enter"
---  :by "comm" :tally(calls, "count()")
---```
---@param text string
---@return moontrace.tally
function TALLY:name(text) end

---Takes away the probe whose ending gave this tally. It stays readable.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---after("1s", function() opens:detach() end)
---```
function TALLY:detach() end

---A tally as it was taken: it does not change any more.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---every("1s", function()
---  local taken = opens:take()
---  printf("%d programs in %.1f s\n", #taken, taken.seconds)
---end)
---```
---@class moontrace.table
---@operator len: integer
---@field seconds number The time in which they came together.
local TABLE = {}

---Every row as a plain table, largest last.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---on_exit(function()
---  for _, row in ipairs(opens:take():rows()) do
---    print(row.comm, row.count)
---  end
---end)
---```
---@return moontrace.row[]
function TABLE:rows() end

---The row of these keys; one with zeros where there is none.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---every("1s", function() print(opens:take():get("cat").count) end)
---```
---@param ... any
---@return moontrace.row
function TABLE:get(...) end

---The n largest rows by a column or by a function of a row, largest first.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---on_exit(function()
---  for _, row in ipairs(opens:take():top(3)) do
---    print(row.comm, row.count)
---  end
---end)
---```
---@param n integer
---@param by? string|fun(row: moontrace.row): number
---@return moontrace.row[]
function TABLE:top(n, by) end

---A row for each value of the field: the sum of the column, and how many rows there were.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm, pid" :count()
---every("1s", function() opens:take():group("comm", "count"):print() end)
---```
---@param field string
---@param column string
---@return moontrace.table
function TABLE:group(field, column) end

---Prints the table, largest last.
---```lua
---local opens = probe "tracepoint:syscalls:sys_enter_openat"
---  :by "comm" :count()
---every("1s", function() opens:take():print{ sort = "comm" } end)
---```
---@param options? { top?: integer, sort?: string, title?: string, rate?: boolean }
function TABLE:print(options) end

---Draws the stacks among the keys as a flame graph, an SVG image; keys that are no stacks are its roots. Frames are as wide as the first column says, or the one that is named.
---```lua
---local samples = probe "profile:hz:99" :by "ustack" :count()
---on_exit(function()
---  samples:take():flamegraph("cpu.svg", { title = "the whole run" })
---end)
---```
---@param file string
---@param options? { column?: string, title?: string }
function TABLE:flamegraph(file, options) end

---The stacks as lines of folded text, `comm;main;read 12`, outermost frame first: returned, or written to a file.
---```lua
---local samples = probe "profile:hz:99" :by "comm, kstack" :count()
---on_exit(function() samples:take():folded "cpu.folded" end)
---```
---@param file? string|{ column?: string }
---@param options? { column?: string }
---@return string?
function TABLE:folded(file, options) end

---How often values fell into which bucket.
---```lua
---local sizes = probe "tracepoint:syscalls:sys_enter_read" :hist "args.count"
---on_exit(function()
---  for _, row in ipairs(sizes:rows()) do
---    for _, bucket in ipairs(row.hist.buckets) do
---      print(bucket.min, bucket.max, bucket.count)
---    end
---  end
---end)
---```
---@class moontrace.histogram
---@field count integer All values.
---@field buckets { min?: integer, max?: integer, count: integer }[] Those that are not empty, from the smallest on: `min` and `max` are both inclusive, and nil where open.
local HISTOGRAM = {}

---The largest value of the bucket that the p-th percentile lies in; nil when that bucket has no end, or there is none.
---```lua
---local sizes = probe "tracepoint:syscalls:sys_enter_read"
---  :by "comm" :hist "args.count"
---on_exit(function()
---  for _, row in ipairs(sizes:rows()) do
---    print(row.comm, row.hist:percentile(99))
---  end
---end)
---```
---@param p number
---@return integer?
function HISTOGRAM:percentile(p) end

---Things that have begun, by key: chains put them in by `:start`, add to them by `:mark`, and find them by `:within` and `:finish`.
---```lua
---local naps = span()
---probe "tracepoint:syscalls:sys_enter_clock_nanosleep"
---  :fetch "clock = args.which_clock" :start(naps)
---probe "tracepoint:syscalls:sys_exit_clock_nanosleep"
---  :finish(naps) :print "comm, from.clock, elapsed / 1ms"
---```
---@class moontrace.span
local SPAN = {}

---What has begun and not ended, at least so old: a table of the key, the fields, `age` and `time` in ns, oldest last.
---```lua
---local naps = span()
---probe "tracepoint:syscalls:sys_enter_clock_nanosleep"
---  :fetch "comm" :start(naps)
---probe "tracepoint:syscalls:sys_exit_clock_nanosleep" :finish(naps)
---every("1s", function() naps:open("100ms"):print() end)
---```
---@param age? string|integer
---@return moontrace.table
function SPAN:open(age) end

---A stack, innermost frame first. `for i, frame in ipairs(s)` goes through its frames, `tostring(s)` has a line for each. Equal stacks are equal, as keys of a table, too.
---```lua
---probe "tracepoint:exceptions:page_fault_user" :on(function(e)
---  for i, frame in ipairs(e.ustack) do print(i, frame.name, frame.offset) end
---end)
---```
---@class moontrace.stack
---@operator len: integer
---@field [integer] { addr: integer, name: string, offset: integer, inlined: boolean, symbol?: string, module?: string, file?: string, line?: integer } A frame, the innermost first; `symbol`, `module`, `file` and `line` where they are known.
---@field mark string? `[truncated]` or `[failed: …]` of one that is not whole.
local STACK = {}

---Numbers, strings or tuples that texts look into (`key in $s`, `:within(s, key)`) and that probes change (`:add(s, key)`, `:remove(s, key)`). A change works at once.
---```lua
---local seen = set{}
---probe "tracepoint:syscalls:sys_enter_openat"
---  :without(seen, "comm")
---  :on(function(e)
---    seen:add(e.comm)
---    print("a new program: " .. e.comm)
---  end)
---```
---@class moontrace.set
---@operator len: integer
local SET = {}

---Puts a member in.
---```lua
---local files = set{ "/etc/passwd" }
---files:add "/etc/hosts"
---probe "tracepoint:syscalls:sys_exit_openat"
---  :within(files, "args.filename") :print "comm, args.filename"
---```
---@param value moontrace.member
function SET:add(value) end

---Takes a member out.
---```lua
---local programs = set{ "cat", "ls" }
---probe "tracepoint:syscalls:sys_exit_openat"
---  :within(programs, "comm") :print "comm, args.filename"
---after("5s", function() programs:remove "cat" end)
---```
---@param value moontrace.member
function SET:remove(value) end

---Is the value a member? What probes have added counts, too.
---```lua
---local seen = set{}
---probe "tracepoint:syscalls:sys_enter_openat" :add(seen, "comm")
---on_exit(function() print(seen:has "cat", #seen) end)
---```
---@param value moontrace.member
---@return boolean
function SET:has(value) end

---A value that texts read as `$name` (given by `:with`). A change works at once in running probes.
---```lua
---local least = var(100)
---probe "tracepoint:syscalls:sys_exit_read"
---  :with{ least = least } :where "retval >= $least" :print "comm, retval"
---on_signal("USR1", function() least:set(least:get() * 2) end)
---```
---@class moontrace.variable
local VARIABLE = {}

---Changes the value; its type stays.
---```lua
---local least = var(0)
---probe "tracepoint:syscalls:sys_exit_read"
---  :with{ least = least } :where "retval > $least"
---  :on(function(e) least:set(e.retval) end)
---```
---@param value integer|string
function VARIABLE:set(value) end

---The value.
---```lua
---local longest = var(0)
---probe "tracepoint:syscalls:sys_exit_read"
---  :with{ longest = longest } :where "retval > $longest"
---  :on(function(e) longest:set(e.retval) end)
---on_exit(function() print("the longest read: " .. longest:get()) end)
---```
---@return integer|string
function VARIABLE:get() end

-- Probes.

---Begins a chain: where to probe, then steps, then one ending. Without an ending it prints every event.
---```lua
---probe "tracepoint:syscalls:sys_exit_openat" :print "comm, args.filename"
---```
---@param spec string
---@return moontrace.probe
function probe(spec) end

---Is there anything on this machine that the spec matches?
---```lua
---if exists "kprobe:vfs_open" then
---  probe "kprobe:vfs_open" :by "comm" :count()
---else
---  probe "tracepoint:syscalls:sys_enter_openat" :by "comm" :count()
---end
---```
---@param spec string
---@return boolean
function exists(spec) end

---Names an expression for the texts of later probes.
---```lua
---define "failed(x) = x < 0 and x > -4096"
---probe "tracepoint:syscalls:sys_exit_openat"
---  :where "failed(retval)" :print "comm, retval"
---```
---@param text string
function define(text) end

-- What probes share.

---A table that several probes may feed, each by `:tally(t, columns)`. It has room for so many keys; when it is full, updates of new keys are lost and counted, or with `lru` the key that was used least recently goes. Of stacks among the keys it has room for `stacks` different ones, a kilobyte each.
---```lua
---local calls = tally{ keys = 100 }
---probe "tracepoint:syscalls:sys_exit_read"
---  :where "retval > 0" :by "comm"
---  :tally(calls, "count(), bytes = sum(retval)")
---probe "tracepoint:syscalls:sys_exit_write"
---  :where "retval > 0" :by "comm"
---  :tally(calls, "count(), bytes = sum(retval)")
---```
---@param options? { keys?: integer, lru?: boolean, stacks?: integer }
---@return moontrace.tally
function tally(options) end

---Things that have begun, by key. Each start stores the time, what the list says, what it fetches, and what is read of it as `from.NAME`. There is room for so many open ones; when it is full, starts are lost and counted. Of stacks that are stored it has room for `stacks` different ones, a kilobyte each.
---```lua
---local calls = span()
---probe "tracepoint:syscalls:sys_enter_openat" :start(calls)
---probe "tracepoint:syscalls:sys_exit_openat"
---  :finish(calls) :hist "elapsed / 1us"
---```
---@param list? string|{ keys?: integer, stacks?: integer }
---@param options? { keys?: integer, stacks?: integer }
---@return moontrace.span
function span(list, options) end

---Numbers, strings or tuples that texts look into (`key in $s`, given by `:with`) and that probes change. It has room for so many; what finds none is lost and counted, in a handler an error.
---```lua
---local programs = set{ "cat", "ls" }
---probe "tracepoint:syscalls:sys_exit_openat" :with{ programs = programs }
---  :where "comm in $programs" :print "comm, args.filename"
---```
---@param members? { [integer]: moontrace.member, keys?: integer }
---@return moontrace.set
function set(members) end

---A number or string that texts read as `$name`, given by `:with`, and that may change while probes run.
---```lua
---local least = var(100)
---probe "tracepoint:syscalls:sys_exit_read"
---  :with{ least = least } :where "retval >= $least" :print "comm, retval"
---after("5s", function() least:set(1000) end)
---```
---@param value integer|string
---@return moontrace.variable
function var(value) end

-- Time: timers count from when everything is attached.

---Calls the function again and again.
---```lua
---every("1s", function() print(strftime "%H:%M:%S") end)
---```
---@param period string|integer
---@param action fun()
function every(period, action) end

---Calls the function once.
---```lua
---after("5s", exit)
---```
---@param delay string|integer
---@param action fun()
function after(delay, action) end

---The time by the clock of `e.time`, in ns.
---```lua
---local began = now()
---on_exit(function() printf("%d ms\n", (now() - began) // 1000000) end)
---```
---@return integer
function now() end

-- The run.

---Calls the function once everything is attached.
---```lua
---on_start(function() print "everything is attached" end)
---```
---@param action fun()
function on_start(action) end

---Calls the function at the end, after the last event.
---```lua
---local opens = 0
---probe "tracepoint:syscalls:sys_enter_openat"
---  :on(function(e) opens = opens + 1 end)
---on_exit(function() print(opens .. " opens") end)
---```
---@param action fun()
function on_exit(action) end

---Calls the function each time moontrace gets that signal: USR1, USR2, HUP and others. Those that end a run are not to be had.
---```lua
---on_signal("USR1", function() print "still here" end)
---```
---@param name string
---@param action fun()
function on_signal(name, action) end

---Ends the run here: no handler runs any more, only the functions of `on_exit`.
---```lua
---probe "tracepoint:syscalls:sys_enter_openat" :on(function(e)
---  print("the first one was opened by " .. e.comm)
---  exit()
---end)
---```
---@param status? integer
function exit(status) end

---Do `-p` or `-c` say which processes are traced? Those are `$target` in texts.
---```lua
---if not has_target() then print "all processes are traced" end
---```
---@return boolean
function has_target() end

-- Options.

---The values of the options that the script's header declares: `opt.no_clear` for `--no-clear`.
---```lua
------ Print what is opened.
-----
----- Usage: opens [--least N]
-----   --least N   from this descriptor on [0]
---local opt = options()
---probe "tracepoint:syscalls:sys_exit_openat"
---  :where "retval >= $least" :print "comm, retval"
---print("from " .. opt.least)
---```
---@return table<string, any>
function options() end

-- The machine and modules.

---The text of a file in /proc or /sys, without its last newline; nil when it can't be read.
---```lua
---print(readfile "/proc/loadavg")
---```
---@param path string
---@return string?
function readfile(path) end

---The name of the kernel's function that an address is in; the address itself where that is not known.
---```lua
---probe "tracepoint:exceptions:page_fault_kernel"
---  :on(function(e) print(ksym(e.args.ip)) end)
---```
---@param address integer
---@return string
function ksym(address) end

---The name of the function that an address of a process is in; where that is not known its module and where in it, or the address itself.
---```lua
---probe "tracepoint:exceptions:page_fault_user"
---  :on(function(e) print(e.comm, usym(e.args.ip, e.pid)) end)
---```
---@param address integer
---@param pid integer
---@return string
function usym(address, pid) end

---The number that `cgroup` gives in texts, of the cgroup (version 2) with that folder: `set{ cgroupid "/sys/fs/cgroup/user.slice" }`.
---```lua
---local users = set{ cgroupid "/sys/fs/cgroup/user.slice" }
---probe "tracepoint:syscalls:sys_exit_openat"
---  :within(users, "cgroup") :print "comm, args.filename"
---```
---@param path string
---@return integer
function cgroupid(path) end

---A module: `json`, or the value of `lib/NAME.lua` beside the script.
---```lua
---local text = require "text"
---print(text.hexdump "some bytes")
---```
---@param name string
---@return any
function require(name) end

-- Output.

---Prints values with tabs between, and a newline.
---```lua
---print("pid", 1, true)
---```
---@param ... any
function print(...) end

---Prints as `string.format` formats, without a newline of its own. A nil prints as `nil` in every conversion; `%u` takes an integer without its sign.
---```lua
---printf("%-16s %5d\n", "sshd", 42)
---```
---@param format string
---@param ... any
function printf(format, ...) end

---JSON. Integers are exact to 64 bits; null is `json.null`.
---```lua
---print(json.encode{ pid = 1, names = { "init" } })
---```
json = {}

---A value as JSON: tables without holes from 1 up are arrays, others objects, their names in order.
---```lua
---print(json.encode{ pid = 1, names = { "init" } })
---```
---@param value any
---@return string
function json.encode(value) end

---The value that a text of JSON says. What is no JSON is an error that names the byte.
---```lua
---local read = json.decode '{ "pid": 1, "parent": null }'
---print(read.pid, read.parent == json.null)
---```
---@param text string
---@return any
function json.decode(text) end

-- Names of the numbers that the kernel speaks in.

---The name of an error: of 2 and of -2 it is `ENOENT`.
---```lua
---probe "tracepoint:syscalls:sys_exit_openat" :where "retval < 0"
---  :on(function(e) print(e.comm, errno(e.retval)) end)
---```
---@param number? integer
---@return string?
function errno(number) end

---The name of a signal: of 9 it is `SIGKILL`.
---```lua
---probe "tracepoint:signal:signal_generate"
---  :on(function(e) print(e.comm, signal(e.args.sig), e.args.pid) end)
---```
---@param number? integer
---@return string?
function signal(number) end

---The name of a TCP connection's state: of 1 it is `ESTABLISHED`.
---```lua
---probe "tracepoint:sock:inet_sock_set_state"
---  :on(function(e) print(e.comm, tcp_state(e.args.newstate)) end)
---```
---@param number? integer
---@return string?
function tcp_state(number) end

---The name of a capability: of 21 it is `CAP_SYS_ADMIN`.
---```lua
---print(capability(21))
---```
---@param number? integer
---@return string?
function capability(number) end

---The name of a system call: of 257 it is `openat`.
---```lua
---local calls = probe "tracepoint:raw_syscalls:sys_enter"
---  :by "args.id" :count()
---on_exit(function()
---  for _, row in ipairs(calls:top(5)) do
---    print(syscall(row.id), row.count)
---  end
---end)
---```
---@param number? integer
---@return string?
function syscall(number) end

-- Values as people read them.

---The wall clock as strftime(3) formats it: now, or at an event's time (ns of the clock of `e.time`). As in date(1), `%s` is the seconds since 1970, `%N` the nanoseconds of a second, and `%6N` its first six digits.
---```lua
---probe "tracepoint:syscalls:sys_enter_openat"
---  :on(function(e) print(strftime("%H:%M:%S", e.time), e.comm) end)
---```
---@param format string
---@param time? integer
---@return string
function strftime(format, time) end

---Begins a screen anew: what is printed from here to the end of the function takes the place of the last screen. In a file or a pipe it stands below that.
---```lua
---every("1s", function()
---  cls()
---  print(readfile "/proc/loadavg")
---end)
---```
function cls() end

---Bytes as `hexdump -C` shows them, sixteen a line.
---```lua
---probe "tracepoint:syscalls:sys_enter_write"
---  :fetch "data = buf(args.buf, args.count, 64)"
---  :on(function(e) print(hexdump(e.data)) end)
---```
---@param bytes string
---@return string
function hexdump(bytes) end

---An IP address as text: of its 4 or 16 bytes, or of a `__be32` as the kernel holds it. In texts, `ntop` is the kernel's.
---```lua
---print(ntop "\127\0\0\1", ntop(0x0100007f))
---```
---@param address? string|integer
---@return string?
function ntop(address) end

---Prints a list of tables as columns, under the names of their fields.
---```lua
---local rows = { { pid = 1, comm = "init" }, { pid = 2, comm = "kthreadd" } }
---columns(rows, { "pid", "comm" })
---```
---@param rows table<string, any>[]
---@param names string[]
function columns(rows, names) end
