//! The Lua scripts, one for each operation, and how they are run.
//!
//! A script runs alone on its server, so looking and changing are one step. Each touches one key,
//! which all of its arguments concern, so a cluster can route it. Times are microseconds since 1970,
//! decided by the caller; the server's clock only bounds how long a key stays (`PEXPIRE`).
//!
//! Lua's numbers are exact to 2^53, which microseconds reach in the year 2255.

use deadpool_redis::redis::{Cmd, ErrorKind, RedisResult, Script, ServerErrorKind, Value, cmd};

use crate::pool::Connection;

/// A script and the hash servers know it by.
pub(crate) struct Lua {
    text: &'static str,
    hash: String,
}

impl Lua {
    fn new(text: &'static str) -> Self {
        Self { text, hash: Script::new(text).get_hash().to_owned() }
    }
}

/// All scripts.
pub(crate) struct Scripts {
    pub(crate) admit: Lua,
    pub(crate) add: Lua,
    pub(crate) put_code: Lua,
    pub(crate) redeem_code: Lua,
    pub(crate) open_challenge: Lua,
    pub(crate) attempt_challenge: Lua,
    pub(crate) consume_challenge: Lua,
    pub(crate) remove: Lua,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            admit: Lua::new(ADMIT),
            add: Lua::new(ADD),
            put_code: Lua::new(PUT_CODE),
            redeem_code: Lua::new(REDEEM_CODE),
            open_challenge: Lua::new(OPEN_CHALLENGE),
            attempt_challenge: Lua::new(ATTEMPT_CHALLENGE),
            consume_challenge: Lua::new(CONSUME_CHALLENGE),
            remove: Lua::new(REMOVE),
        }
    }
}

/// `limit ttl` → 1 admitted, 0 refused.
const ADMIT: &str = "
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if count >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
if count == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
";

/// `by ttl` → the count after it. Reading leaves no key behind.
const ADD: &str = "
if ARGV[1] == '0' then return tonumber(redis.call('GET', KEYS[1]) or '0') end
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
";

/// `mac tries expires_at ttl`, in place of what was there.
const PUT_CODE: &str = "
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'mac', ARGV[1], 'tries', ARGV[2], 'end', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
";

/// `mac now` → the tries left after a wrong answer, -1 absent, -2 accepted.
///
/// Lua compares strings by their hash or byte by byte; what an outsider could learn from the time is
/// part of a keyed hash, which tells nothing about the code without the key.
const REDEEM_CODE: &str = "
local code = redis.call('HMGET', KEYS[1], 'mac', 'end')
if not code[1] then return -1 end
if tonumber(ARGV[2]) >= tonumber(code[2]) then redis.call('DEL', KEYS[1]) return -1 end
if code[1] == ARGV[1] then redis.call('DEL', KEYS[1]) return -2 end
local left = redis.call('HINCRBY', KEYS[1], 'tries', -1)
if left <= 0 then redis.call('DEL', KEYS[1]) end
return left
";

/// `payload tries expires_at ttl`.
const OPEN_CHALLENGE: &str = "
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'payload', ARGV[1], 'tries', ARGV[2], 'end', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
";

/// `now` → the payload or nil. Without a try left the challenge stays, for the last attempt to consume.
const ATTEMPT_CHALLENGE: &str = "
local challenge = redis.call('HMGET', KEYS[1], 'payload', 'tries', 'end')
if not challenge[1] then return false end
if tonumber(ARGV[1]) >= tonumber(challenge[3]) then redis.call('DEL', KEYS[1]) return false end
if tonumber(challenge[2]) <= 0 then return false end
redis.call('HINCRBY', KEYS[1], 'tries', -1)
return challenge[1]
";

/// `now` → 1 consumed, 0 not there or expired.
const CONSUME_CHALLENGE: &str = "
local challenge = redis.call('HMGET', KEYS[1], 'end')
if not challenge[1] then return 0 end
redis.call('DEL', KEYS[1])
if tonumber(ARGV[1]) >= tonumber(challenge[1]) then return 0 end
return 1
";

/// Empties a slot.
const REMOVE: &str = "
redis.call('DEL', KEYS[1])
return 1
";

/// An argument of a script.
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

/// A script with its key and arguments.
#[derive(Clone, Copy)]
pub(crate) struct Invocation<'a> {
    pub(crate) script: &'a Lua,
    pub(crate) key: &'a str,
    pub(crate) args: &'a [Arg<'a>],
}

impl Invocation<'_> {
    /// Runs the script by its hash, and by its text where the server does not know it (any more).
    ///
    /// A server that does not know the hash has done nothing, so running the text is no repetition.
    pub(crate) async fn run(self, connection: &mut Connection) -> RedisResult<Value> {
        match connection.ask(&self.command("EVALSHA", &self.script.hash)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.ask(&self.command("EVAL", self.script.text)).await
            }
            answer => answer,
        }
    }

    fn command(self, name: &str, script: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(1).arg(self.key);
        for arg in self.args {
            match arg {
                Arg::Number(number) => command.arg(*number),
                Arg::Bytes(bytes) => command.arg(*bytes),
            };
        }
        command
    }
}
