//! Line charts as SVG, without a script: they stand in a page that is one file.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;
/// Colours that the page defines.
const COLOURS: usize = 8;

/// One line.
pub struct Series {
    /// What the legend says.
    pub name: String,
    /// Which of the page's colours; counted round.
    pub colour: usize,
    /// Drawn in dashes: what stands beside the thing measured.
    pub dashed: bool,
    /// From left to right; a value that the axis cannot show is left out.
    pub points: Vec<(f64, f64)>,
}

/// How an axis counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from zero.
    Linear,
    /// By powers of ten.
    Log,
    /// By powers of ten of 1 / (1 - quantile), labelled in percent.
    Percentile,
}

/// A chart.
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// Under the horizontal axis.
    pub x_label: &'static str,
    /// How it counts.
    pub x_scale: Scale,
    /// Beside the vertical axis, which counts in nanoseconds and by powers of ten.
    pub y_label: &'static str,
    /// The lines.
    pub series: Vec<Series>,
}

/// An axis over a range.
struct Axis {
    scale: Scale,
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// From pixel `from` to pixel `to`; powers of ten are widened to whole ones.
    fn new(scale: Scale, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        values.filter(|value| value.is_finite()).for_each(|value| {
            least = least.min(value);
            most = most.max(value);
        });
        let (least, most) = match scale {
            Scale::Linear => (0.0, if most > 0.0 { most } else { 1.0 }),
            _ if most <= 0.0 => (1.0, 10.0),
            _ => {
                let low = 10_f64.powf(least.log10().floor());
                let high = 10_f64.powf((most * 0.999_999).log10().ceil());
                (low, high.max(low * 10.0))
            }
        };
        Self {
            scale,
            least,
            most,
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.least) / (self.most - self.least),
            _ => (value / self.least).log10() / (self.most / self.least).log10(),
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Where lines go, and what is written at them; nothing at the minor ones.
    fn ticks(&self) -> Vec<(f64, String)> {
        if self.scale == Scale::Linear {
            let rough = self.most / 8.0;
            let power = 10_f64.powf(rough.log10().floor());
            let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
            let step = step
                .into_iter()
                .find(|&step| step >= rough)
                .unwrap_or(power * 10.0);
            let count = (self.most / step + 1e-9) as u32;
            return (0..=count)
                .map(|number| f64::from(number) * step)
                .map(|value| (value, plain(value)))
                .collect();
        }
        let mut ticks = Vec::new();
        let mut decade = self.least;
        while decade <= self.most * 1.000_001 {
            let label = match self.scale {
                Scale::Percentile => percent(decade),
                _ => time(decade),
            };
            ticks.push((decade, label));
            if self.scale == Scale::Log && decade < self.most * 0.99 {
                ticks.extend([2.0, 5.0].map(|times| (decade * times, String::new())));
            }
            decade *= 10.0;
        }
        ticks
    }
}

impl Chart {
    /// The chart and its legend as an HTML figure.
    pub fn figure(&self) -> String {
        let shown = |value: f64| value.is_finite() && value > 0.0;
        let points = || {
            let all = self.series.iter().flat_map(|series| &series.points);
            all.filter(|(_, y)| shown(*y))
        };
        let x = Axis::new(self.x_scale, points().map(|point| point.0), LEFT, WIDTH - RIGHT);
        let y = Axis::new(Scale::Log, points().map(|point| point.1), HEIGHT - BOTTOM, TOP);
        let mut svg = format!(
            "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            escape(&self.title),
            escape(&self.title)
        );
        self.grid(&mut svg, &x, &y);
        for series in &self.series {
            let colour = series.colour % COLOURS;
            let dash = if series.dashed { " dashed" } else { "" };
            let line: String = series
                .points
                .iter()
                .filter(|(_, value)| shown(*value))
                .map(|&(along, value)| format!("{:.1},{:.1} ", x.at(along), y.at(value)))
                .collect();
            let _ = write!(
                svg,
                "<polyline class=\"line c{colour}{dash}\" points=\"{}\"><title>{}</title></polyline>",
                line.trim_end(),
                escape(&series.name)
            );
        }
        svg.push_str("</svg><div class=\"legend\">");
        for series in &self.series {
            let dash = if series.dashed { " dashed" } else { "" };
            let colour = series.colour % COLOURS;
            let _ = write!(
                svg,
                "<span><svg class=\"key\" viewBox=\"0 0 24 8\"><line class=\"line c{colour}{dash}\" x1=\"0\" y1=\"4\" \
                 x2=\"24\" y2=\"4\"/></svg>{}</span>",
                escape(&series.name)
            );
        }
        svg.push_str("</div></figure>\n");
        svg
    }

    fn grid(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, label) in x.ticks() {
            let at = x.at(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom}\"/>\
                 <text class=\"tick\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{:.1}\">{label}</text>",
                bottom + 16.0
            );
        }
        for (value, label) in y.ticks() {
            let at = y.at(value);
            let minor = if label.is_empty() { " minor" } else { "" };
            let _ = write!(
                svg,
                "<line class=\"grid{minor}\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\"/>\
                 <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
                LEFT - 8.0,
                at + 4.0
            );
        }
        let _ = write!(
            svg,
            "<text class=\"axis\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <text class=\"axis\" text-anchor=\"middle\" transform=\"translate(14 {:.1}) rotate(-90)\">{}</text>",
            (LEFT + right) / 2.0,
            HEIGHT - 8.0,
            self.x_label,
            (TOP + bottom) / 2.0,
            self.y_label
        );
    }
}

/// A time in the unit that keeps it short.
pub fn time(nanos: f64) -> String {
    let (size, unit) = match nanos {
        nanos if nanos < 1e3 => (1.0, "ns"),
        nanos if nanos < 1e6 => (1e3, "µs"),
        nanos if nanos < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{} {}", plain(nanos / size), unit)
}

/// Three digits that count, without trailing zeros.
pub fn plain(value: f64) -> String {
    let digits = match value.abs() {
        value if value >= 100.0 || value == 0.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The percentile of 1 / (1 - quantile), for powers of ten.
fn percent(inverse: f64) -> String {
    match inverse.log10().round() as i32 {
        i32::MIN..=0 => "0 %".to_owned(),
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        nines => format!("99.{} %", "9".repeat((nines - 2) as usize)),
    }
}

/// Text as HTML shows it.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_short_and_in_the_right_unit() {
        let times = [
            (0.4, "0.4 ns"),
            (40.0, "40 ns"),
            (1_500.0, "1.5 µs"),
            (2e7, "20 ms"),
            (3.21e9, "3.21 s"),
        ];
        for (nanos, want) in times {
            assert_eq!(time(nanos), want);
        }
        let percents = [(1.0, "0 %"), (10.0, "90 %"), (1e3, "99.9 %"), (1e5, "99.999 %")];
        for (inverse, want) in percents {
            assert_eq!(percent(inverse), want);
        }
    }

    #[test]
    fn a_line_stays_within_its_chart_whatever_the_values_are() {
        let series = |points: &[(f64, f64)]| Series {
            name: "a <b> & \"c\"".to_owned(),
            colour: 9,
            dashed: false,
            points: points.to_vec(),
        };
        let sets: [&[(f64, f64)]; 5] = [
            &[],
            &[(1.0, 0.0)],
            &[(1.0, 50.0)],
            &[(1.0, 50.0), (10.0, 50.0)],
            &[(1.0, 3.0), (9.0, f64::INFINITY), (1e6, 7e9)],
        ];
        for x_scale in [Scale::Linear, Scale::Log, Scale::Percentile] {
            for points in sets {
                let figure = Chart {
                    title: "title".to_owned(),
                    x_label: "x",
                    x_scale,
                    y_label: "y",
                    series: vec![series(points)],
                }
                .figure();
                assert!(
                    !figure.contains("NaN") && !figure.contains("inf"),
                    "{points:?}: {figure}"
                );
                assert!(figure.contains("a &lt;b&gt; &amp; &quot;c&quot;"));
                let line = figure
                    .split("points=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                for pair in line.unwrap_or_default().split_whitespace() {
                    let (x, y) = pair.split_once(',').expect("a pair");
                    let (x, y): (f64, f64) = (x.parse().expect("x"), y.parse().expect("y"));
                    assert!((LEFT..=WIDTH - RIGHT).contains(&x) && (TOP..=HEIGHT - BOTTOM).contains(&y));
                }
            }
        }
    }
}
