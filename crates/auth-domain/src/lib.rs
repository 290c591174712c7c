//! The rules of authentication: entities, ports and use cases, without input or output.
