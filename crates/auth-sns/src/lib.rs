//! Text messages through AWS SNS.
