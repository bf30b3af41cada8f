local OPENSSL = { "command:openssl", "uprobe:libssl:SSL_read" }
local PYTHON = { "command:openssl", "command:python3", "uprobe:libssl:SSL_read_ex" }

-- A client says a line to a server, which says it backwards. They share a key, which takes no certificate.
local function talk(line, ...)
  local port = 20000 + tonumber(sh "echo $$") % 10000
  local server = start(("openssl s_server -rev -quiet -naccept 1 -accept 127.0.0.1:%d -nocert -psk 5ec2e7"):format(port))
  local client = "sh -c '(echo %s; sleep 1) | openssl s_client -quiet -no_ign_eof -psk 5ec2e7 -connect 127.0.0.1:%d >/dev/null 2>&1'"
  -- Until it listens.
  sh(("for i in $(seq 50); do grep -q ':%04X 00000000:0000 0A' /proc/net/tcp && exit; sleep 0.2; done"):format(port))
  local got = run{ "sslsnoop", command = client:format(line, port), ... }
  server:stop()
  return got
end

-- Both ends of a connection in one process, without a network: the server says so many bytes.
local function say(bytes, ...)
  local folder = sh "mktemp -d":match "%S+"
  sh("cd " .. folder .. " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem"
    .. " -out cert.pem -days 1 -subj /CN=localhost 2>&1")
  local program = folder .. "/say.py"
  sh(("cat >%s <<'END'\n%s\nEND"):format(program, ([[
import ssl
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain("FOLDER/cert.pem", "FOLDER/key.pem")
client = ssl.create_default_context(cafile="FOLDER/cert.pem")
a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
client = client.wrap_bio(a, b, server_hostname="localhost")
server = server.wrap_bio(b, a, server_side=True)
for side in (client, server, client, server):
    try: side.do_handshake()
    except ssl.SSLWantReadError: pass
server.write(b"s" * BYTES)
assert len(client.read(BYTES)) == BYTES]]):gsub("FOLDER", folder):gsub("BYTES", tostring(bytes))))
  local ok, got = pcall(run, { "sslsnoop", command = "python3 " .. program, ... })
  sh("rm -r " .. folder)
  check(ok, got)
  return got
end

case("shows what is sent and received", { needs = OPENSSL, example = true }, function()
  local got = talk("hello"):lines()
  equal((got[1]:gsub(" +", " ")), "FUNC TIME(s) COMM PID LEN ")
  check(got[2]:find "^WRITE/SEND +0%.000000000 +openssl +%d+ +6 *$", got[2])
  equal(table.concat({ table.unpack(got, 3, 5) }, "|"), "----- DATA -----|hello|----- END DATA -----")
  check(got[6]:find "^READ/RECV +%d+%.%d+ +openssl +%d+ +6 *$", got[6])
  equal(got[8], "olleh")
end)

case("has handshakes, users, threads and latencies", { needs = PYTHON }, function()
  local got = say(7, "--handshake", "-x", "-l"):lines()
  equal((got[1]:gsub(" +", " ")), "FUNC TIME(s) COMM PID LEN UID TID LAT(ms)")
  for at = 2, 3 do
    local pid, tid, ms = got[at]:match "^HANDSHAKE +%S+ +python3[%d.]* +(%d+) +0 +0 +(%d+) +(%d+%.%d+)"
    check(pid and pid == tid and tonumber(ms) > 0, got[at])
  end
  check(got[4]:find "^WRITE/SEND ", got[4])
end)

case("has bytes as a dump", { needs = OPENSSL }, function()
  local got = talk("hello", "--hexdump")
  check(got.out:find("\n00000000  68 65 6c 6c 6f 0a  ", 1, true) and got.out:find("|hello.|", 1, true), got.out)
end)

case("names and users that are not meant are left out", { needs = OPENSSL }, function()
  equal(#talk("hello", "-n", "curl*"):lines(), 1)
  equal(#talk("hello", "-u", 12345):lines(), 1)
end)

case("knows the calls that tell the length by a pointer, and says what it cuts", { needs = PYTHON }, function()
  local got = say(3000, "--max-buffer-size", "1KiB")
  for _, func in ipairs{ "WRITE/SEND", "READ/RECV" } do
    local message = func .. " +%S+ +python3[%d.]* +%d+ +3000 *\n%-+ DATA %-+\n(s+)\n"
      .. "%-+ END DATA %(TRUNCATED, 1976 bytes lost%) %-+\n"
    equal(#(got.out:match(message) or got.out), 1024)
  end
end)

case("mistakes are said", { needs = OPENSSL }, function()
  run{ "sslsnoop", "--max-buffer-size", "much", status = 2, says = "a size is a number and a unit" }
  run{ "sslsnoop", "--max-buffer-size", "5MiB", status = 1, says = "a buffer has 1 to 4096 bytes" }
end)
