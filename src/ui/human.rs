//! Sizes, ages and tables in kubectl's format.

use comfy_table::{ContentArrangement, Table, presets};

/// `512`, `1.2Mi`, `160Mi`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    let Some((unit, factor)) = UNITS.iter().find(|(_, factor)| bytes >= *factor) else { return bytes.to_string() };
    let tenths = u128::from(bytes) * 10 / u128::from(*factor);
    if tenths >= 100 || tenths.is_multiple_of(10) {
        format!("{}{unit}", tenths / 10)
    } else {
        format!("{}.{}{unit}", tenths / 10, tenths % 10)
    }
}

/// The format of kubectl's AGE column: `61s`, `5m30s`, `3h12m`, `5d3h`, `1y20d`.
pub fn age(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |a: u64, a_unit: &str, b: u64, b_unit: &str| {
        if b == 0 { format!("{a}{a_unit}") } else { format!("{a}{a_unit}{b}{b_unit}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10800 => format!("{minutes}m"),
        10800..28800 => two(hours, "h", minutes % 60, "m"),
        28800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// A table without borders, three spaces between columns, never wrapped.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let texts: Vec<_> = [0, 1023, 1024, 1_258_291, 167_772_160, 5 << 30].into_iter().map(bytes).collect();
        assert_eq!(texts, ["0", "1023", "1Ki", "1.1Mi", "160Mi", "5Gi"]);
    }

    #[test]
    fn ages() {
        let texts: Vec<_> = [5, 119, 330, 3600, 11520, 100_000, 270_000, 864_000, 70_000_000].map(age).into();
        assert_eq!(texts, ["5s", "119s", "5m30s", "60m", "3h12m", "27h", "3d3h", "10d", "2y80d"]);
    }

    #[test]
    fn wide_characters_keep_their_columns() {
        let rows = vec![vec!["日本".into(), "x".into()], vec!["abcd".into(), "y".into()]];
        assert_eq!(table(&["A", "B"], rows), "A      B\n日本   x\nabcd   y");
    }
}
