#!/usr/bin/env -S moontrace
--- Show ICMP packets as they come and go, by interface and network namespace.
--
-- Usage: icmp [OPTIONS]
--   -4, --ipv4          only IPv4
--   -6, --ipv6          only IPv6
--   -i, --iface NAME    only at this interface
--   -n, --netns N...    only in these network namespaces (/proc/PID/ns/net has their numbers)
--   -e, --errors        only what says that a packet did not get through
--
-- Each interface that a packet passes has a line, so that a ping can be followed from one namespace to another. ID and
-- SEQ are those of echoes. LEN is the bytes of the IP packet; of one in fragments the first is shown.
-- There is no process: packets are handled in whatever runs just then (-p and -c show those that theirs handles).
-- Subject: network
-- Level: heavy
-- Probes: tracepoint:net:{netif_receive_skb,net_dev_queue}
-- Permissions: memory, packets
-- Example: icmp -i eth0
local opt = options()

define "skb = as('struct sk_buff', args.skbaddr)"
define "netns = skb.dev.nd_net.net.ns.inum"
-- What comes in has lost its link header, what goes out has one in front.
define "packet = func == 'netif_receive_skb' and ptr(skb.data) or ptr(skb.head) + skb.network_header"
define "v4 = as('struct iphdr', packet)"
define "v6 = as('struct ipv6hdr', packet)"
define "is_v4 = skb.protocol == bswap(as('u16', 0x0800))"
-- A header may stand between IPv6 and what it carries: 0 is for each hop (as group reports have it), 44 of a fragment.
define "more = v6.nexthdr in {0, 44}"
define "carried = more and as('u8 *', packet + 40)[0] or v6.nexthdr"
define "part = v6.nexthdr == 44 and bswap(as('u16 *', packet + 42)[0]) >> 3 or 0"
-- The first of a packet's fragments alone has the header.
define "is_icmp4 = is_v4 and v4.protocol == 1 and bswap(v4.frag_off) & 0x1fff == 0"
define "is_icmp6 = skb.protocol == bswap(as('u16', 0x86dd)) and carried == 58 and part == 0"
define "icmp = as('struct icmphdr', packet + (is_v4 and v4.ihl * 4 or more and 48 or 40))"

local v4 = {
  [0] = "echo-reply", [3] = "unreachable", [4] = "source-quench", [5] = "redirect", [8] = "echo-request",
  [9] = "router-advertisement", [10] = "router-solicitation", [11] = "time-exceeded", [12] = "parameter-problem",
  [13] = "timestamp", [14] = "timestamp-reply",
}
local v6 = {
  [1] = "unreachable", [2] = "packet-too-big", [3] = "time-exceeded", [4] = "parameter-problem",
  [128] = "echo-request", [129] = "echo-reply", [130] = "listener-query", [131] = "listener-report",
  [132] = "listener-done", [133] = "router-solicitation", [134] = "router-advertisement",
  [135] = "neighbor-solicitation", [136] = "neighbor-advertisement", [137] = "redirect", [143] = "listener-report-v2",
}
local codes4 = {
  [3] = { [0] = "net", "host", "protocol", "port", "fragmentation-needed", [13] = "prohibited" },
  [11] = { [0] = "ttl", "reassembly" },
}
local codes6 = {
  [1] = { [0] = "no-route", "prohibited", "scope", "address", "port" },
  [3] = { [0] = "hop-limit", "reassembly" },
}

local columns = "%-8s %-10s %-10s %-3s %-22s %-5s %-5s %-5s %-15s %s\n"
probe "tracepoint:net:{netif_receive_skb,net_dev_queue}"
  :where "is_icmp4 or is_icmp6"
  :where(opt.ipv4 and "is_v4") :where(opt.ipv6 and "not is_v4")
  :where(opt.iface and "args.name == $iface") :where(opt.netns and "netns in $netns")
  :where(opt.errors and "is_v4 and icmp.type in {3, 4, 5, 11, 12} or not is_v4 and icmp.type < 128")
  :fetch [[netns, iface = args.name, is_v4, type = icmp.type, code = icmp.code,
           id = bswap(icmp.un.echo.id), seq = bswap(icmp.un.echo.sequence),
           len = is_v4 and bswap(v4.tot_len) or bswap(v6.payload_len) + 40,
           src = is_v4 and ntop(v4.saddr) or ntop(v6.saddr), dst = is_v4 and ntop(v4.daddr) or ntop(v6.daddr)]]
  :on(function(e)
    local names, codes = e.is_v4 and v4 or v6, e.is_v4 and codes4 or codes6
    local type = names[e.type] or e.type
    if codes[e.type] then type = type .. ":" .. (codes[e.type][e.code] or e.code) end
    local echo = type == "echo-request" or type == "echo-reply"
    local id, seq = echo and e.id or "-", echo and e.seq or "-"
    local way = e.func == "net_dev_queue" and "out" or "in"
    printf(columns, strftime("%H:%M:%S", e.time), e.netns, e.iface, way, type, id, seq, e.len, e.src, e.dst)
  end)
printf(columns, "TIME", "NETNS", "IFACE", "DIR", "TYPE", "ID", "SEQ", "LEN", "SRC", "DST")
