local needs = { "tracepoint:sock:inet_sock_set_state", "command:workload" }

case("both ends of a connection, with what went over it", { needs = needs, example = true }, function()
  local got = run { "tcplife", command = "workload as talker at-once talk 127.0.0.1:4721 2 204800 102400" }
  local clients, servers = got:rows { RPORT = 4721 }, got:rows { LPORT = 4721 }
  equal(#clients, 2)
  equal(#servers, 2)
  for _, row in ipairs(clients) do
    equal(row.COMM, "talker")
    equal(row.LADDR, "127.0.0.1")
    equal(row.RADDR, "127.0.0.1")
    equal(row.TX_KB, 200)
    equal(row.RX_KB, 100)
    check(row.MS < 20000, got.out)
  end
  for _, row in ipairs(servers) do
    equal(row.COMM, "talker")
    equal(row.PID, clients[1].PID)
    equal(row.TX_KB, 100)
    equal(row.RX_KB, 200)
  end
end)

case("IPv6", { needs = needs }, function()
  local got = run { "tcplife", "-6", command = "workload at-once talk [::1]:4722 1 1024 0" }
  local row = got:row { RPORT = 4722 }
  equal(row.RADDR, "::1")
  equal(row.TX_KB, 1)
  equal(#run({ "tcplife", "-4", command = "workload at-once talk [::1]:4722 1 1024 0" }):rows(), 0)
end)

case("times, and columns for long addresses", { needs = needs }, function()
  local got = run { "tcplife", "-T", "-t", "-w", "-D", "4722", command = "workload at-once talk [::1]:4722 2 1 1" }
  local heading, rows = got:lines()[1], got:rows()
  equal(heading:find "LPORT" - heading:find "LADDR", 40)
  equal(#rows, 2)
  check(rows[1].TIME:find "^%d%d:%d%d:%d%d$", got.out)
  equal(rows[1]["TIME(s)"], 0)
  check(rows[2]["TIME(s)"] > 0 and rows[2]["TIME(s)"] < 30, got.out)
end)

case("only some ports, of either end", { needs = needs }, function()
  local command = [[sh -c 'for port in 4723 4724 4725; do workload at-once talk 127.0.0.1:$port 1 1 1; done']]
  local got = run { "tcplife", "-D", "4723", "-D", "4725", command = command }
  equal(#got:rows(), 2)
  got:row { RPORT = 4723 }
  got:row { RPORT = 4725 }
  equal(run({ "tcplife", "-L", "4724", command = command }):row {}.LPORT, 4724)
end)

case("how long it lived", { needs = needs }, function()
  local got = run { "tcplife", "-D", "4726", command = "workload at-once deaf 127.0.0.1:4726 10 700" }
  local ms = got:row { RPORT = 4726 }.MS
  check(ms >= 700 and ms < 20000, got.out)
end)

case("a connection that is refused carried nothing", { needs = needs }, function()
  local row = run({ "tcplife", command = "workload at-once connect 127.0.0.1:4727" }):row { RPORT = 4727 }
  equal(row.TX_KB, 0)
  equal(row.RX_KB, 0)
end)

case("whose it was is known of an end that is thrown away, and not of one that is reset", { needs = needs }, function()
  local got = run { "tcplife", "-D", "4728", during = "workload as thrower at-once throw-away 127.0.0.1:4728" }
  local row = got:row {}
  equal(row.COMM, "thrower")
  check(row.PID > 0, got.out)
  got = run { "tcplife", "-L", "4729", during = "workload as thrower at-once throw-away 127.0.0.1:4729" }
  row = got:row {}
  equal(row.PID, 0)
  equal(row.COMM, "-")
end)
