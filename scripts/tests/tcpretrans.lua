local needs = { "tracepoint:tcp:tcp_retransmit_skb", "command:workload" }

case("what the other end does not hear is sent again", { needs = needs, example = true }, function()
  local got = run { "tcpretrans", "-P", "4731", during = "workload at-once deaf 127.0.0.1:4731 100 1500" }
  local rows = got:rows { RADDR = "127.0.0.1", RPORT = 4731 }
  check(#rows >= 2 and #rows < 20, got.out)
  equal(rows[1].IP, 4)
  equal(rows[1].STATE, "ESTABLISHED")
  equal(rows[1].LADDR, "127.0.0.1")
end)

case("by flow", { needs = needs }, function()
  local got = run { "tcpretrans", "-c", "-P", "4732", during = "workload at-once deaf [::1]:4732 100 1500" }
  local row = got:row { LADDR = "::1", RADDR = "::1", RPORT = 4732 }
  check(row.RETRANSMITS >= 2 and row.RETRANSMITS < 20, got.out)
end)

case("what is sent to find a loss out", { needs = { needs[1], needs[2], "kprobe:tcp_send_loss_probe" } }, function()
  local got = run { "tcpretrans", "-l", "-P", "4736", during = "workload at-once deaf 127.0.0.1:4736 100 1500" }
  check(#got:rows { T = "L", RPORT = 4736, STATE = "ESTABLISHED" } >= 1, got.out)
  check(#got:rows { T = "R", RPORT = 4736 } >= 1, got.out)
end)

case("none where all is heard", { needs = needs }, function()
  local got = run { "tcpretrans", "-P", "4733", during = "workload at-once talk 127.0.0.1:4733 20 1000 1000" }
  equal(#got:rows(), 0)
end)

case("only other ports, only the other family", { needs = needs }, function()
  equal(#run({ "tcpretrans", "-P", "1", during = "workload at-once deaf 127.0.0.1:4734 100 700" }):rows(), 0)
  equal(#run({ "tcpretrans", "-6", "-P", "4734", during = "workload at-once deaf 127.0.0.1:4734 100 700" }):rows(), 0)
end)
