//! The first gate: how fast one address may send requests to this process, whatever they ask for.
//!
//! It stops floods before anything is read, looked up or counted elsewhere. It is no documented quota: those
//! are counted later, exactly and for all replicas together, in [`limit`](crate::limit). Without the feature
//! `edge-limit` nothing stands here.

#[cfg(feature = "edge-limit")]
mod governed;
#[cfg(not(feature = "edge-limit"))]
mod open;

#[cfg(feature = "edge-limit")]
pub(crate) use governed::Edge;
#[cfg(not(feature = "edge-limit"))]
pub(crate) use open::Edge;
