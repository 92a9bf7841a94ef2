#![doc = include_str!("../README.md")]
#![warn(unreachable_pub, missing_debug_implementations)]

mod calendar;
pub mod config;
pub mod converter;
pub mod data;
pub mod decode;
pub mod encode;
pub mod error;
mod java;
pub mod mapping;
pub mod record;
pub mod transform;
