//! Draws one of each figure from made-up numbers: `figures FOLDER`. To look at after a change.

use swarmbed_analysis::figures::{
    Axis, Comparison, Figure, Interval, Lines, OverlayFigure, OverlaySeries, Panel, Series,
    distribution, png, svg,
};
use swarmbed_analysis::overlay::{Overlay, Snapshot};
use swarmbed_engine::Seed;

const NAMES: [&str; 3] = [
    "tit-for-tat, rarest first",
    "tit-for-tat, in order",
    "give-to-get",
];

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    write(&folder, "swarm", &swarm());
    write(&folder, "startup", &startup());
    write(&folder, "comparison", &comparison());
    write(&folder, "overlay", &overlay());
}

fn write(folder: &str, name: &str, figure: &impl Figure) {
    let svg = svg(figure).expect("drawn");
    let png = png(figure).expect("drawn");
    std::fs::write(format!("{folder}/{name}.svg"), svg).expect("a folder that can be written");
    std::fs::write(format!("{folder}/{name}.png"), png).expect("a folder that can be written");
}

fn swarm() -> Lines {
    let line = |index: usize, dashed: bool| {
        let scale = if dashed { 0.1 } else { 1.0 };
        let points = (0..900).map(|second| {
            let t = f64::from(second);
            let size = (t.min(500.0)
                - (t - 300.0 - 20.0 * f64::from(u8::try_from(index).unwrap())).clamp(0.0, 500.0))
            .max(1.0);
            (t, size * scale)
        });
        Series {
            name: format!(
                "{}: {}",
                NAMES[index],
                if dashed { "stalled" } else { "present" }
            ),
            colour: index,
            dashed,
            points: points.collect(),
        }
    };
    Lines {
        title: "Swarm size and stalled viewers (made up)".into(),
        caption: "seed 1 of 5; 500 viewers, Poisson 1 /s".into(),
        x: Axis {
            name: "time, s".into(),
            end: None,
        },
        y: Axis {
            name: "peers".into(),
            end: None,
        },
        series: (0..3)
            .flat_map(|index| [line(index, false), line(index, true)])
            .collect(),
    }
}

fn startup() -> Lines {
    let line = |(index, name): (usize, &&str)| {
        let mut rng = Seed::from_number(1).stream("example", u64::try_from(index).unwrap());
        let scale = [9.0, 4.0, 2.0][index];
        let values: Vec<f64> = (0..2500).map(|_| 10.0 + rng.exponential(scale)).collect();
        Series {
            name: (*name).into(),
            colour: index,
            dashed: false,
            points: distribution(&values),
        }
    };
    Lines {
        title: "Start-up delay (made up)".into(),
        caption: "all viewers that started, 5 runs per policy".into(),
        x: Axis {
            name: "start-up delay, s".into(),
            end: Some(40.0),
        },
        y: Axis {
            name: "share of viewers".into(),
            end: Some(1.0),
        },
        series: NAMES.iter().enumerate().map(line).collect(),
    }
}

fn comparison() -> Comparison {
    let panel = |name: &str, less_is_better: bool, means: [f64; 3], width: f64| Panel {
        name: name.into(),
        less_is_better,
        values: means
            .map(|mean| Interval {
                mean,
                low: mean - width,
                high: mean + width,
            })
            .to_vec(),
    };
    Comparison {
        title: "Policies compared (made up)".into(),
        caption: "mean over 5 runs per policy, with 95 % intervals".into(),
        rows: NAMES.map(Into::into).to_vec(),
        panels: vec![
            panel("start-up, s", true, [42.1, 15.0, 12.3], 3.0),
            panel("stall-free, %", false, [80.1, 55.2, 97.0], 2.0),
            panel("rebuffering, %", true, [0.4, 1.2, 0.1], 0.05),
            panel("source upload, x", true, [11.0, 14.0, 9.0], f64::NAN),
        ],
    }
}

fn overlay() -> OverlayFigure {
    let series = |(index, name): (usize, &&str)| {
        let mut rng = Seed::from_number(1).stream("overlay", u64::try_from(index).unwrap());
        let snapshots = (1..20).map(|step| {
            let present: Vec<u32> = (0..step * 20).collect();
            let edges: Vec<(u32, u32)> = (1..step * 20)
                .flat_map(|peer| {
                    [(); 5].map(|()| (u32::try_from(rng.below(u64::from(peer))).unwrap(), peer))
                })
                .collect();
            Overlay::measure(Snapshot {
                at_s: f64::from(step) * 30.0,
                present: &present,
                edges: &edges,
                sources: &[0],
            })
        });
        OverlaySeries {
            name: (*name).into(),
            snapshots: snapshots.collect(),
        }
    };
    OverlayFigure {
        title: "Overlay (made up)".into(),
        caption: "snapshots every 30 s, seed 1".into(),
        series: NAMES.iter().enumerate().map(series).collect(),
    }
}
