# `just` alone lists the recipes.
_default:
    @{{ just_executable() }} --list

# Everything CI does
check:
    .ci/run

# All tests; `just test NAME` runs the matching ones only
test *ARGS:
    scripts/test {{ if ARGS == "" { "" } else { "-- " + ARGS } }}

# Format the code
fmt:
    cargo fmt --all

# Lints, warnings as errors
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Start the server on the embedded default
run *ARGS:
    cargo run -p auth-server -- {{ ARGS }}

# Build the documentation of the workspace and open it
docs:
    cargo doc --workspace --no-deps --locked --open

# Write docs/openapi.json anew from the code
openapi:
    cargo run -p auth-server -- openapi > target/openapi.json
    mv target/openapi.json docs/openapi.json

# What /me and refresh notice of 256 clients signing in at once; `just storm DATABASE_URL=…` sets settings
storm *ARGS: _drivers
    target/debug/examples/storm target/dist/auth-server {{ ARGS }}

# Whether time tells an outsider which accounts exist
timing *ARGS: _drivers
    target/debug/examples/timing target/dist/auth-server {{ ARGS }}

# What the server does beside what this machine could do; see docs/performance.md. `just bench --quick` is a look
bench *ARGS:
    cargo build --profile dist -p auth-server --locked
    cargo build --release -p auth-bench --locked
    target/release/auth-bench target/dist/auth-server {{ ARGS }}

# Where the time of login, /me and refresh goes, as flame graphs in docs/performance; needs Linux's perf
flames *ARGS:
    cargo build --profile flame -p auth-server --locked
    cargo build --release -p auth-bench --locked
    target/release/auth-bench target/flame/auth-server --flames {{ ARGS }}

# What the build costs, beside what it may cost; `just hygiene --cold` times a first build
hygiene *ARGS:
    scripts/hygiene {{ ARGS }}

# The server as it is handed out, and what drives it
_drivers:
    cargo build --profile dist -p auth-server --locked
    cargo build --workspace --examples --locked
