#!/usr/bin/env -S moontrace
--- Show what programs send and receive through OpenSSL, GnuTLS and NSS, in clear.
--
-- Usage: sslsnoop [OPTIONS]
--   -n, --name GLOB          only commands that match GLOB
--   -u, --uid UID            only this user
--   -x, --extra              user and thread, too
--   -l, --latency            how long each call took, too
--   --handshake              OpenSSL's handshakes, too
--   --hexdump                bytes as a hex dump
--   --max-buffer-size SIZE   bytes to show of a message, at most [4KiB]
--   --extra-lib FILE         a program or library with a copy of OpenSSL of its own
--
-- TIME(s) counts from the first message.
-- Subject: network
-- Level: sensitive
-- Probes: uretprobe:*:SSL_{read,write,read_ex,write_ex,do_handshake}
-- Probes: uretprobe:libgnutls:gnutls_record_{recv,send}, uretprobe:libnspr4:PR_{Read,Recv,Write,Send}
-- Permissions: memory
-- Example: sslsnoop -n curl
local opt = options()

local function row(func, time, comm, pid, len, uid, tid, lat)
  printf("%-12s %-18s %-16s %-7s %-6s%s%s\n", func, time, comm, pid, len,
    opt.extra and (" %-7s %-7s"):format(uid, tid) or "", opt.latency and (" %-7s"):format(lat) or "")
end

local began
local function show(e, func)
  began = began or e.time
  local time, ms = ("%.9f"):format((e.time - began) / 1e9), ("%.3f"):format(e.elapsed / 1e6)
  row(func, time, e.comm, e.pid, e.len, e.uid, e.tid, ms)
  if func == "HANDSHAKE" then return end
  local data = e.data or "<fault>"
  -- What a peer sends is not to move the terminal's cursor.
  printf("----- DATA -----\n%s\n", opt.hexdump and hexdump(data) or data:gsub("[\0-\8\11-\31\127]", "."))
  local lost = e.data and e.len - #e.data or 0
  printf("----- END DATA%s -----\n\n", lost > 0 and (" (TRUNCATED, %d bytes lost)"):format(lost) or "")
end

-- Without types a return value has 64 bits; an int has its own in the lower half.
define "int = as('s32', retval)"

-- Calls that end well have a message of `len` bytes.
local max = "$max_buffer_size"
local data = ("buf(arg1, len > %s and %s or len, %s)"):format(max, max, max)
local function trace(func, spec, well, len)
  probe(spec)
    :where(well)
    :where(opt.name and "like(comm, $name)")
    :where(opt.uid and "uid == $uid")
    :fetch("len = " .. len .. ", data = " .. data)
    :name(func)
    :on(function(e) show(e, func) end)
end

local ssl = "uretprobe:{libssl" .. (opt.extra_lib and "," .. opt.extra_lib or "") .. "}:"
local gnutls, nss = ",uretprobe:libgnutls:gnutls_record_", ",uretprobe:libnspr4:PR_"
trace("READ/RECV", ssl .. "SSL_read" .. gnutls .. "recv" .. nss .. "{Read,Recv}", "int > 0", "int")
trace("WRITE/SEND", ssl .. "SSL_write" .. gnutls .. "send" .. nss .. "{Write,Send}", "int > 0", "int")
for func, name in pairs{ ["READ/RECV"] = "SSL_read_ex", ["WRITE/SEND"] = "SSL_write_ex" } do
  if exists(ssl .. name) then trace(func, ssl .. name, "int == 1", "as('u64 *', arg3)[0]") end
end
if opt.handshake then trace("HANDSHAKE", ssl .. "SSL_do_handshake", "int == 1", "0") end

row("FUNC", "TIME(s)", "COMM", "PID", "LEN", "UID", "TID", "LAT(ms)")
