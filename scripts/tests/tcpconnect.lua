-- What a worker of the test's own connects to is its own listener.
local needs = { "tracepoint:syscalls:sys_exit_connect", "command:workload" }
local kprobes = { "kretprobe:tcp_v4_connect", "command:workload" }

case("a connection, by whom and where to", { needs = needs, example = true }, function()
  local got = run { "tcpconnect", command = "workload as talker at-once talk 127.0.0.1:4701 2 10 10" }
  local rows = got:rows { DPORT = 4701 }
  equal(#rows, 2)
  for _, row in ipairs(rows) do
    equal(row.COMM, "talker")
    equal(row.IP, 4)
    equal(row.SADDR, "127.0.0.1")
    equal(row.DADDR, "127.0.0.1")
  end
end)

case("IPv6", { needs = needs }, function()
  local got = run { "tcpconnect", command = "workload at-once talk [::1]:4702 3 1 1" }
  equal(#got:rows { IP = 6, SADDR = "::1", DADDR = "::1", DPORT = 4702 }, 3)
  equal(#got:rows(), 3)
end)

case("an IPv6 socket that connects to an IPv4 address is one line", { needs = needs }, function()
  local got = run { "tcpconnect", command = "workload at-once talk [::ffff:127.0.0.1]:4703 2 1 1" }
  equal(#got:rows { IP = 6, DADDR = "::ffff:127.0.0.1", DPORT = 4703 }, 2)
  equal(#got:rows(), 2)
end)

case("a socket that doesn't wait", { needs = needs }, function()
  local command = "workload at-once connect-soon 127.0.0.1:4704"
  equal(run({ "tcpconnect", command = command }):row { DPORT = 4704 }.DADDR, "127.0.0.1")
  equal(#run({ "tcpconnect", "-x", command = command }):rows(), 0)
end)

case("what is refused fails, and only with -x says so", { needs = needs }, function()
  local command = "sh -c 'workload at-once connect 127.0.0.1:4705; workload at-once talk 127.0.0.1:4706 1 1 1'"
  local row = run({ "tcpconnect", "-x", command = command }):row {}
  equal(row.DADDR, "127.0.0.1")
  equal(row.DPORT, 4705)
  equal(row.ERR, "ECONNREFUSED")
end)

case("what is refused was asked for", { needs = kprobes }, function()
  local got = run { "tcpconnect", command = "workload at-once connect 127.0.0.1:4705" }
  equal(#got:rows { DADDR = "127.0.0.1", DPORT = 4705 }, 1)
end)

case("no way to get there", { needs = { needs[1], needs[2], "command:unshare" } }, function()
  -- In a new namespace nothing is up, not even lo.
  local got = run { "tcpconnect", "-x", command = "unshare -n workload at-once connect 192.0.2.9:4707" }
  local row = got:row {}
  equal(row.DADDR, "192.0.2.9")
  equal(row.DPORT, 4707)
  equal(row.ERR, "ENETUNREACH")
  equal(#run({ "tcpconnect", command = "unshare -n workload at-once connect 192.0.2.9:4707" }):rows(), 0)
end)

case("no line for other sockets, and for those that are none", { needs = needs }, function()
  local got = run { "tcpconnect", command = "sh -c 'workload at-once point-at 127.0.0.1 ::1; workload at-once connect-nowhere'" }
  equal(#got:rows(), 0)
  got = run { "tcpconnect", "-x", command = "workload at-once connect-nowhere" }
  equal(#got:rows(), 0)
end)

case("only some ports", { needs = needs }, function()
  local command = [[sh -c 'for port in 4711 4712 4713; do workload at-once talk 127.0.0.1:$port 2 1 1; done']]
  local got = run { "tcpconnect", "-P", "4711", "-P", "4713", command = command }
  equal(#got:rows { DPORT = 4711 }, 2)
  equal(#got:rows { DPORT = 4713 }, 2)
  equal(#got:rows(), 4)
end)

case("only one family", { needs = needs }, function()
  local command = "sh -c 'workload at-once talk 127.0.0.1:4714 1 1 1; workload at-once talk [::1]:4715 1 1 1'"
  equal(run({ "tcpconnect", "-4", command = command }):row {}.DPORT, 4714)
  equal(run({ "tcpconnect", "-6", command = command }):row {}.DPORT, 4715)
end)

case("the local port, the user and the time", { needs = needs }, function()
  local got = run { "tcpconnect", "-L", "-U", "-t", "-u", "0", command = "workload at-once talk 127.0.0.1:4716 2 1 1" }
  local rows = got:rows { DPORT = 4716 }
  equal(#rows, 2)
  equal(rows[1].UID, 0)
  equal(rows[1]["TIME(s)"], 0)
  check(rows[2]["TIME(s)"] >= 0 and rows[2]["TIME(s)"] < 30, got.out)
  check(rows[1].LPORT > 1023 and rows[2].LPORT > 1023 and rows[1].LPORT ~= rows[2].LPORT, got.out)
  equal(#run({ "tcpconnect", "-u", "65534", command = "workload at-once talk 127.0.0.1:4716 1 1 1" }):rows(), 0)
end)

case("the name that an address was asked for by", { needs = { needs[1], needs[2], "command:unshare", "command:ip" } }, function()
  -- In a new namespace port 53 is free.
  local command = "unshare -n sh -c 'ip link set lo up; workload at-once connect-named %s %s.example.org %s'"
  for how, address in pairs { recvfrom = "127.0.0.7:4721", recvmsg = "[::1]:4722", read = "127.0.0.8:4723" } do
    local got = run { "tcpconnect", "-d", command = command:format(how, how, address) }
    equal(got:row {}.QUERY, how .. ".example.org")
  end
  equal(run({ "tcpconnect", "-d", command = "workload at-once talk 127.0.0.1:4720 1 1 1" }):row {}.QUERY, "-")
end)

case("connections by flow", { needs = needs }, function()
  local command = "sh -c 'workload at-once talk 127.0.0.1:4717 7 1 1; workload at-once talk [::1]:4718 3 1 1'"
  local rows = run({ "tcpconnect", "-c", command = command }):rows()
  equal(#rows, 2)
  equal(rows[1].RADDR, "127.0.0.1")
  equal(rows[1].RPORT, 4717)
  equal(rows[1].CONNECTS, 7)
  equal(rows[2].LADDR, "::1")
  equal(rows[2].CONNECTS, 3)
end)

case("ten thousand flows", { needs = needs }, function()
  local got = run { "tcpconnect", "-c", "-P", "4719", command = "workload at-once flows 4719 10000" }
  local rows, seen = got:rows(), {}
  equal(#rows, 10000)
  for _, row in ipairs(rows) do
    equal(row.CONNECTS, 1)
    seen[row.RADDR] = true
  end
  check(seen["127.1.0.0"] and seen["127.1.39.15"], "the first and the last")
end)
