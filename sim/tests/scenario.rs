//! Scenario files: what is refused says where and what to write, and what is read means what it says.

use swarmbed_sim::scenario::Scenario;
use swarmbed_sim::{Population, WireMode};

const QUICKSTART: &str = include_str!("../../scenarios/quickstart.toml");

fn refusal(change: impl FnOnce(&str) -> String) -> (String, String) {
    let text = change(QUICKSTART);
    let error = Scenario::read(&text, &[]).expect_err("a wrong scenario");
    let span = error.span.clone().unwrap_or(0..0);
    (
        format!("{} {}", error.message, error.help.unwrap_or_default()),
        text[span].to_owned(),
    )
}

#[test]
fn the_quickstart_means_what_it_says() {
    let scenario = Scenario::read(QUICKSTART, &[]).unwrap();
    assert_eq!(scenario.seeds, [1, 2, 3, 4, 5]);
    assert_eq!(scenario.variants.len(), 3);
    let setup = &scenario.variants[0].setup;
    assert_eq!(setup.geometry.pieces(), 1145);
    assert_eq!(setup.classes[0].population, Population::Count(1));
    let again = Scenario::read(&scenario.text, &[]).expect("defaults spelled out are a scenario");
    assert_eq!(again.variants[2].setup, scenario.variants[2].setup);
}

#[test]
fn sets_and_axes_change_what_they_name() {
    let sets = [
        "network.wire=bytes".to_owned(),
        "class.viewer.connectable=0.5".into(),
        "swarm.viewers=7".into(),
    ];
    let scenario = Scenario::read(QUICKSTART, &sets).unwrap();
    let setup = &scenario.variants[0].setup;
    assert_eq!((setup.wire, setup.viewers), (WireMode::Bytes, 7));
    assert!((setup.classes[1].connectable - 0.5).abs() < 1e-12);
    let text = QUICKSTART.replace(
        "[sweep]",
        "[sweep.axes]\n\"content.bitrate\" = [\"400 kbit/s\", \"600 kbit/s\"]\n[sweep]",
    );
    let scenario = Scenario::read(&text, &[]).unwrap();
    assert_eq!(scenario.variants.len(), 6);
    assert_eq!(
        scenario.variants[0].axes,
        [("content.bitrate".to_owned(), "400 kbit/s".to_owned())]
    );
    assert_ne!(
        scenario.variants[0].setup.bitrate,
        scenario.variants[3].setup.bitrate
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_remedy() {
    let (message, place) =
        refusal(|text| text.replace("viewers = 500", "viewers = 500\nspeed = 3"));
    assert!(message.contains("unknown field `speed`"), "{message}");
    assert_eq!(place, "speed");
    let (message, place) = refusal(|text| text.replace("\"500 kbit/s\"\npiece", "\"500\"\npiece"));
    assert!(
        message.contains("lacks a unit") && message.contains("500 kbit/s"),
        "{message}"
    );
    assert_eq!(place, "\"500\"");
    let (message, _) =
        refusal(|text| text.replace("uplink = \"2 Mbit/s\"", "uplink = \"-2 Mbit/s\""));
    assert!(message.contains("not negative"), "{message}");
    let (message, place) = refusal(|text| text.replace("share = 1.0", "share = 0.8"));
    assert!(
        message.contains("add up to 0.8") && message.contains("add up to 1;"),
        "{message}"
    );
    assert_eq!(place, "share");
    let (message, _) =
        refusal(|text| text.replace("selector = \"in-order\"", "selector = \"in-ordr\""));
    assert!(
        message.contains("no selector is called `in-ordr`") && message.contains("in-order"),
        "{message}"
    );
    let (message, _) = refusal(|text| {
        text.replace(
            "choker = \"give-to-get\"",
            "choker = { name = \"give-to-get\", slots = 0 }",
        )
    });
    assert!(message.contains("whole number from 1"), "{message}");
    let (message, _) = refusal(|text| text.replace("horizon", "horizn"));
    assert!(message.contains("horizn"), "{message}");
}

#[test]
fn faults_take_what_they_need_and_nothing_else() {
    let with = |fault: &str| Scenario::read(&format!("{QUICKSTART}\n[[fault]]\n{fault}\n"), &[]);
    let read = |fault| with(fault).unwrap().variants[0].setup.faults.clone();
    let step = "at = \"9 s\"\nkind = \"uplink-step\"\nclass = \"viewer\"\npercent = 50";
    let expected = swarmbed_sim::Fault::UplinkStep {
        class: 1,
        percent: 50,
    };
    assert_eq!(read(step), [(std::time::Duration::from_secs(9), expected)]);
    assert_eq!(read("at = \"9 s\"\nkind = \"source-gone\"").len(), 1);
    let wrong = |fault| {
        let error = with(fault).unwrap_err();
        format!("{} {}", error.message, error.help.unwrap_or_default())
    };
    assert!(wrong("at = \"9 s\"\nkind = \"crash\"").contains("write peer = 0"));
    assert!(wrong("at = \"9 s\"\nkind = \"source-gone\"\npeer = 1").contains("leave it out"));
    assert!(wrong("at = \"9 s\"\nkind = \"crash\"\nper = 1").contains("unknown field `per`"));
}

/// A sweep with a figure of it.
const SWEPT: &str = "seeds = \"1..=5\"

[sweep.axes]
\"class.viewer.share\" = [0.25, 1.0]
\"class.seed.uplink\" = [\"1 Mbit/s\", \"2 Mbit/s\"]
";

fn swept(figure: &str) -> String {
    let rest = "[[class]]\nname = \"rest\"\nshare = \"rest\"\nuplink = \"1 Mbit/s\"\ndownlink = \"2 Mbit/s\"\n\n[network]";
    let text = QUICKSTART
        .replace("[network]", rest)
        .replace("seeds = \"1..=5\"", SWEPT);
    format!("{text}\n{figure}")
}

#[test]
fn a_class_may_have_what_the_others_leave() {
    let scenario = Scenario::read(&swept(""), &[]).unwrap();
    assert_eq!(scenario.variants.len(), 12);
    let shares = |place: usize| {
        let classes = scenario.variants[place].setup.classes.iter();
        classes.map(|class| class.population).collect::<Vec<_>>()
    };
    let (some, all) = (shares(0), shares(3));
    assert_eq!(
        some[1..],
        [Population::Share(0.25), Population::Share(0.75)]
    );
    assert_eq!(all[1..], [Population::Share(1.0), Population::Share(0.0)]);
    let again = Scenario::read(&scenario.text, &[]).expect("defaults spelled out are a scenario");
    assert_eq!(again.variants[7].setup, scenario.variants[7].setup);
    let (message, _) = refusal(|text| text.replace("share = 1.0", "share = \"most\""));
    assert!(message.contains("\"rest\""), "{message}");
    let twice = swept("")
        .replace("share = 1.0", "share = \"rest\"")
        .replace("\"class.viewer.share\" = [0.25, 1.0]", "");
    let error = Scenario::read(&twice, &[])
        .map(|_| ())
        .expect_err("two rests");
    assert!(error.message.contains("add up"), "{error}");
}

#[test]
fn a_figure_of_a_sweep_names_what_is_swept() {
    let figure = "x = \"class.viewer.share\"\ny = [\"rebuffering_ratio\"]\npanels = \"policy\"";
    let scenario = Scenario::read(&swept(figure), &[]).unwrap();
    let drawn = scenario.figure.expect("a figure");
    assert_eq!(
        (drawn.of, drawn.panels),
        (vec!["all".to_owned()], Some("policy".into()))
    );
    for (figure, said) in [
        ("y = [\"rebuffering_ratio\"]", "of no use without `x`"),
        ("x = \"class.viewer.share\"", "no metric"),
        (
            "x = \"class.viewer.uplink\"",
            "no key of the sweep there are policy, class.seed.uplink",
        ),
        ("x = \"policy\"\npanels = \"policy\"", "the same"),
        (
            "x = \"policy\"\ny = [\"late_share\"]\nof = [\"honest\", \"nobody\"]",
            "no class is called `nobody` there are seed, viewer, rest",
        ),
    ] {
        let error = Scenario::read(&swept(figure), &[])
            .map(|_| ())
            .expect_err(figure);
        let message = format!("{} {}", error.message, error.help.unwrap_or_default());
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn when_to_stop_is_checked() {
    let sweep = |with: &str| QUICKSTART.replace("seeds = \"1..=5\"", with);
    let read = |with: &str| Scenario::read(&sweep(with), &[]);
    let until = read("seeds = 5\nuntil = \"2.5 %\"").unwrap().until.unwrap();
    assert!((until.share - 0.025).abs() < 1e-12);
    assert_eq!(
        (until.metric.as_str(), until.seeds_max),
        ("startup_mean_s", 30)
    );
    for (with, said) in [
        ("seeds = 5\nuntil = \"5\"", "write until = \"5 %\""),
        ("seeds = 5\nuntil = \"-5 %\"", "write until = \"5 %\""),
        ("seeds = 1\nuntil = \"5 %\"", "at least 2 seeds"),
        (
            "seeds = 5\nuntil = \"5 %\"\nseeds_max = 4",
            "no more than `seeds_max`",
        ),
        ("seeds = 5\nseeds_max = 4", "of no use without `until`"),
    ] {
        let error = read(with).map(|_| ()).expect_err(with);
        let message = format!("{} {}", error.message, error.help.unwrap_or_default());
        assert!(message.contains(said), "{with}: {message}");
    }
}

/// Scenario files below a folder.
fn scenarios(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scenarios(&path, found);
        } else if path.extension().is_some_and(|end| end == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn every_committed_scenario_can_be_read_and_spells_itself_out() {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    let mut found = Vec::new();
    scenarios(
        &std::path::Path::new(&here).join("../scenarios"),
        &mut found,
    );
    assert!(found.len() >= 9, "{found:?}");
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario = Scenario::read(&text, &[]).unwrap_or_else(|error| {
            panic!("{}: {error}", path.display());
        });
        let again = Scenario::read(&scenario.text, &[]).unwrap();
        assert_eq!(again.variants.len(), scenario.variants.len());
        assert_eq!(again.variants[0].setup, scenario.variants[0].setup);
    }
}

#[test]
fn ablations_of_give_to_get_are_parameters() {
    let with = |choker: &str| {
        let selector =
            "{ name = \"give-to-get\", h = \"5 s\", mu = 2, mid = \"mu\", ties = \"first\" }";
        let policy = "selector = \"give-to-get\"\nchoker = \"give-to-get\"";
        assert!(QUICKSTART.contains(policy));
        let text = QUICKSTART.replace(policy, &format!("selector = {selector}\nchoker = {choker}"));
        Scenario::read(&text, &[])
            .map(|scenario| scenario.variants[2].setup.classes[1].choker.clone())
    };
    let plain = with("\"give-to-get\"").unwrap();
    for name in ["give-to-get", "receipts"] {
        let table = format!("{{ name = \"{name}\", delta = \"5 s\", slots = 4, rank = \"all\" }}");
        assert_ne!(with(&table).unwrap(), plain);
    }
    let error = with("{ name = \"give-to-get\", rank = \"none\" }").expect_err("no such rank");
    assert!(
        error.message.contains("\"ours, all\", \"ours\" or \"all\""),
        "{error}"
    );
}
