#!/usr/bin/env -S moontrace
--- Trace TCP segments that are sent again, and in which state their connection is.
--
-- Usage: tcpretrans [OPTIONS]
--   -c, --count       count them by flow, and print that at the end
--   -l, --lossprobe   tail loss probes, too: T is R(etransmitted) or L(oss probe)
--   -P, --port N...   only connections to these ports, or from them
--   -4, --ipv4        only IPv4
--   -6, --ipv6        only IPv6
--
-- A timer or an answer that comes sends them, whatever runs just then: there is no process to show.
-- Subject: network
-- Level: safe
-- Probes: tracepoint:tcp:tcp_retransmit_skb, kprobe:tcp_send_loss_probe
-- Example: tcpretrans -P 443
local opt = options()

define "sk = as('struct sock', first(args.skaddr, args.sk))"
define "family = sk.__sk_common.skc_family"
local segments = probe("tracepoint:tcp:tcp_retransmit_skb" .. (opt.lossprobe and ",kprobe:tcp_send_loss_probe" or ""))
  :where "first(args.err, 0) == 0"
  :where(opt.port and "sport(sk) in $port or dport(sk) in $port")
  :where(opt.ipv4 and "family == AF_INET")
  :where(opt.ipv6 and "family == AF_INET6")

local flow = "laddr = saddr(sk), lport = sport(sk), raddr = daddr(sk), rport = dport(sk)"
local columns = "%-25s %-6s %-25s %-6s "

if opt.count then
  local flows = segments:by(flow):count()
  on_exit(function()
    printf(columns .. "%s\n", "LADDR", "LPORT", "RADDR", "RPORT", "RETRANSMITS")
    for _, r in ipairs(flows:top(4096)) do printf(columns .. "%d\n", r.laddr, r.lport, r.raddr, r.rport, r.count) end
  end)
  return
end

-- Without -l nothing of T is printed.
columns = "%-8s %-2s " .. (opt.lossprobe and "%s " or "%.0s") .. columns .. "%s\n"
printf(columns, "TIME", "IP", "T", "LADDR", "LPORT", "RADDR", "RPORT", "STATE")
segments:fetch("family, state = sk.__sk_common.skc_state, " .. flow):on(function(e)
  local time, ip = strftime("%H:%M:%S", e.time), e.family == 10 and 6 or 4
  local kind = e.func == "tcp_send_loss_probe" and "L" or "R"
  printf(columns, time, ip, kind, e.laddr, e.lport, e.raddr, e.rport, tcp_state(e.state))
end)
