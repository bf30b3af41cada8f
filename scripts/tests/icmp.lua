local needs = { "tracepoint:net:net_dev_queue", "command:busybox", "command:unshare", "command:nsenter" }
local with_workload = { "command:workload", table.unpack(needs) }

-- Two namespaces of the case's own with a pair of interfaces between them: 192.0.2.1 and 2001:db8::1 in the first, .2 and
-- ::2 in the second, which forwards, but knows no way to 203.0.113.0 and 2001:db8:f::. Calls use(here, there), each of
-- which has a number and runs commands.
local function with_namespaces(use)
  local file = sh "mktemp":match "%S+"
  local holder = start([[unshare -n sh -c '
    inside() { busybox nsenter -t $peer -n "$@"; }
    unshare -n sleep 60 & peer=$!
    until [ $(readlink /proc/$peer/ns/net) != $(readlink /proc/$$/ns/net) ]; do sleep 0.1; done
    for f in all default; do
      for x in sh "inside sh"; do $x -c "echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad"; done
    done
    ip link set lo up && inside ip link set lo up
    modprobe veth 2>/dev/null
    ip link add near type veth && ip link set veth0 netns $peer
    ip addr add 192.0.2.1/24 dev near && ip -6 addr add 2001:db8::1/64 dev near && ip link set near up
    inside ip addr add 192.0.2.2/24 dev veth0 && inside ip -6 addr add 2001:db8::2/64 dev veth0 && inside ip link set veth0 up
    inside sh -c "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
    inside ip route add 198.51.100.0/24 dev veth0
    ip route add default via 192.0.2.2 && ip -6 route add default via 2001:db8::2
    echo $$ $peer > ]] .. file .. [[; echo ready; read go; kill $peer']])
  holder:hear "ready"
  local first, second = sh("cat " .. file .. "; rm " .. file):match "(%d+) (%d+)"
  local function place(pid)
    return {
      netns = sh("readlink /proc/" .. pid .. "/ns/net"):match "%d+",
      run = function(command) sh("busybox nsenter -t " .. pid .. " -n sh -c '" .. command .. "' >/dev/null 2>&1 || true") end,
    }
  end
  use(place(first), place(second))
  holder:send "go"
end

local function seen(here, command, ...)
  local words = { "icmp", "-n", here.netns, ... }
  words.during = function() here.run(command) end
  return run(words)
end

case("a ping and its answer, in and out", { needs = needs, example = true }, function()
  with_namespaces(function(here)
    local got = seen(here, "busybox ping -c 2 192.0.2.2")
    for _, way in ipairs { { "out", "echo-request", "192.0.2.1", "192.0.2.2" }, { "in", "echo-reply", "192.0.2.2", "192.0.2.1" } } do
      local rows = got:rows { DIR = way[1], TYPE = way[2] }
      equal(#rows, 2)
      for i, row in ipairs(rows) do
        equal(row.IFACE, "near")
        equal(row.NETNS, tonumber(here.netns))
        equal(row.SEQ, i - 1)
        equal(row.LEN, 84)
        equal(row.SRC, way[3])
        equal(row.DST, way[4])
        check(row.ID == rows[1].ID and row.ID ~= "-", got.out)
      end
    end
    equal(#got:rows { TYPE = "echo-request" }, 2)
    equal(#got:rows { TYPE = "echo-reply" }, 2)
  end)
end)

case("IPv6", { needs = needs }, function()
  with_namespaces(function(here)
    local got = seen(here, "busybox ping -6 -c 1 2001:db8::2; busybox ping -c 1 192.0.2.2", "-6")
    local row = got:row { DIR = "out", TYPE = "echo-request" }
    equal(row.SRC, "2001:db8::1")
    equal(row.DST, "2001:db8::2")
    equal(row.LEN, 104)
    equal(got:row { DIR = "in", TYPE = "echo-reply" }.ID, row.ID)
    got = seen(here, "busybox ping -6 -c 1 2001:db8::2; busybox ping -c 1 192.0.2.2", "-4")
    equal(#got:rows(), 2)
  end)
end)

case("on its way from one namespace to another", { needs = needs }, function()
  with_namespaces(function(here, there)
    local got = run { "icmp", "-4", "-n", here.netns, "-n", there.netns, during = function() here.run "busybox ping -c 1 192.0.2.2" end }
    local way = {}
    for _, row in ipairs(got:rows()) do
      way[#way + 1] = ("%s %s %s"):format(row.NETNS == tonumber(here.netns) and "here" or "there", row.DIR, row.TYPE)
    end
    equal(table.concat(way, ", "), "here out echo-request, there in echo-request, there out echo-reply, here in echo-reply")
    equal(got:row { DIR = "in", TYPE = "echo-request" }.IFACE, "veth0")
  end)
end)

case("nothing, a whole packet, and one in fragments", { needs = needs }, function()
  with_namespaces(function(here)
    local got = seen(here, "for size in 0 1472 3000; do busybox ping -c 1 -s $size 192.0.2.2; done", "-4")
    for _, type in ipairs { "echo-request", "echo-reply" } do
      local lengths = {}
      for _, row in ipairs(got:rows { TYPE = type }) do lengths[#lengths + 1] = row.LEN end
      equal(table.concat(lengths, " "), "28 1500 1500", type)
    end
    got = seen(here, "busybox ping -6 -c 1 -s 3000 2001:db8::2", "-6")
    equal(got:row { DIR = "out", TYPE = "echo-request" }.LEN, 1496)
    equal(got:row { DIR = "in", TYPE = "echo-reply" }.LEN, 1496)
  end)
end)

case("what does not get there, and why", { needs = with_workload }, function()
  with_namespaces(function(here)
    local got = seen(here, [[busybox ping -c 1 -W 1 203.0.113.1; busybox ping -c 1 -W 1 -t 1 198.51.100.1
      busybox ping -6 -c 1 -W 1 2001:db8:f::1; workload at-once send 192.0.2.2:4741]], "-e")
    equal(got:row { TYPE = "time-exceeded:ttl" }.SRC, "192.0.2.2")
    equal(got:row { TYPE = "unreachable:port" }.DST, "192.0.2.1")
    local no_route = got:row { TYPE = "unreachable:no-route" }
    equal(no_route.DIR, "in")
    equal(no_route.ID, "-")
    equal(#got:rows { TYPE = "unreachable:net" }, 1)
    equal(#got:rows { TYPE = "echo-request" }, 0)
  end)
end)

case("no line for packets that are no ICMP", { needs = with_workload }, function()
  with_namespaces(function(here)
    local got = seen(here, "workload at-once talk 127.0.0.1:4742 5 1000 1000", "-i", "lo")
    equal(#got:rows(), 0)
    got = seen(here, "busybox ping -c 1 127.0.0.1", "-i", "lo")
    -- Out and in again, on the way there and on the way back.
    equal(#got:rows(), 4)
  end)
end)
