//! The Verilog writer: its text, and what real tools say of it.

mod designs;
mod lint;
mod meaning;
mod synthesis;
mod text;
mod tools;
