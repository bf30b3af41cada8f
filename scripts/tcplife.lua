#!/usr/bin/env -S moontrace
--- Show each TCP connection when it ends: whose it was, where to, how much went over it, and how long it lived.
--
-- Usage: tcplife [OPTIONS]
--   -T, --time          the time of day
--   -t, --timestamp     the seconds since the first line
--   -w, --wide          columns that IPv6 addresses fit into
--   -L, --lport N...    only these local ports
--   -D, --rport N...    only these remote ports
--   -4, --ipv4          only IPv4
--   -6, --ipv6          only IPv6
--
-- Connections that begin while it runs are shown, with both of their ends where both are on this machine. TX_KB is what
-- the other side has acknowledged. An end that was closed by the network alone has no process that is known: 0 and -.
-- Subject: network
-- Level: safe
-- Probes: tracepoint:sock:inet_sock_set_state
-- Example: tcplife -D 443 -D 80
local opt, life, first = options(), span(), nil

local address = opt.wide and "%-39s" or "%-15s"
local line = require "columns" {
  opt.time and { "TIME", "%-8s" }, opt.timestamp and { "TIME(s)", "%-9.6f" },
  { "PID", "%-7d" }, { "COMM", "%-16s" },
  { "LADDR", address }, { "LPORT", "%-5d" }, { "RADDR", address }, { "RPORT", "%-5d" },
  { "TX_KB", "%6d" }, { "RX_KB", "%6d" }, { "MS", "%.2f" },
}

local function state(condition)
  return probe "tracepoint:sock:inet_sock_set_state" :where "args.protocol == IPPROTO_TCP" :where(condition)
end

-- A server's end begins when a packet comes, whatever runs just then.
state "args.newstate == TCP_SYN_RECV" :fetch "pid = 0, comm = '-'" :start(life, "args.skaddr")
state "args.newstate == TCP_SYN_SENT" :fetch "pid, comm" :start(life, "args.skaddr")
state "args.newstate == TCP_ESTABLISHED" :start(life, "args.skaddr")
-- Its owner runs when it closes the connection. One that throws away what it has not read closes it at once, and
-- without an error, which a reset or a timeout would leave there.
define "sk = as('struct tcp_sock', args.skaddr)"
define "unread = args.oldstate in {TCP_ESTABLISHED, TCP_CLOSE_WAIT} and as('struct sock', sk).sk_err == 0"
state "args.newstate in {TCP_FIN_WAIT1, TCP_LAST_ACK} or args.newstate == TCP_CLOSE and unread"
  :fetch "pid, comm" :mark(life, "args.skaddr")
state "args.newstate == TCP_CLOSE" :finish(life, "args.skaddr")
  :where "from.pid in $target"
  :where(opt.ipv4 and "args.family == AF_INET") :where(opt.ipv6 and "args.family == AF_INET6")
  :where(opt.lport and "args.sport in $lport") :where(opt.rport and "args.dport in $rport")
  :fetch [[from.pid, from.comm, laddr = saddr(sk), lport = args.sport, raddr = daddr(sk), rport = args.dport,
           tx_kb = sk.bytes_acked // 1KiB, rx_kb = sk.bytes_received // 1KiB, elapsed]]
  :on(function(e)
    first = first or e.time
    line {
      TIME = strftime("%H:%M:%S", e.time), ["TIME(s)"] = (e.time - first) / 1e9, PID = e.pid, COMM = e.comm,
      LADDR = e.laddr, LPORT = e.lport, RADDR = e.raddr, RPORT = e.rport,
      TX_KB = e.tx_kb, RX_KB = e.rx_kb, MS = e.elapsed / 1e6,
    }
  end)
