//! Presence server that speaks the Phoenix Channels protocol.
