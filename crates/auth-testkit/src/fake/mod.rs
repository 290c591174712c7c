//! Fakes: working stand-ins with no adapter behind them.
