//! The memory and the computing time of a process, where the system tells.

use std::fs;

/// Resident at present and at the highest, in bytes. The system tells it of any process, whatever the process hides.
pub fn of(process: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
    };
    (value("VmRSS:"), value("VmHWM:"))
}

/// The seconds that its threads have computed, in steps of the system's clock.
pub fn computed(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in parentheses may hold anything.
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // Linux counts in hundredths of a second towards its users, on every architecture.
    ticks as f64 / 100.0
}
