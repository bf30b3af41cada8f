#!/usr/bin/env -S moontrace
--- Show each TCP connection when it ends: whose it was, where to, how much went over it, and how long it lived.
--
-- Usage: tcplife [OPTIONS]
--   -L, --lport N...    only these local ports
--   -D, --rport N...    only these remote ports
--   -4, --ipv4          only IPv4
--   -6, --ipv6          only IPv6
--
-- Connections that begin while it runs are shown, with both of their ends where both are on this machine. TX_KB is what
-- the other side has acknowledged. An end that was closed by the network alone has no process that is known: 0 and -.
-- Subject: network
-- Level: safe
-- Example: tcplife -D 443 -D 80
local opt, life = options(), span()

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
  :print [[from.pid, from.comm, laddr = saddr(sk), lport = args.sport, raddr = daddr(sk), rport = args.dport,
           tx_kb = sk.bytes_acked // 1KiB, rx_kb = sk.bytes_received // 1KiB, ms = elapsed / 1ms]]
