//! `compare`: two command lines of this tool, in turns, and a verdict only where they differ by more than noise.

mod side;

mod summary;

mod statistics;

mod verdict;

mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use simd_json::OwnedValue;
use tempfile::TempDir;

use crate::failure::{Context, Failure, Outcome};
use crate::progress::{Stop, bar};
use report::Report;
use side::{Name, Side, Words};
use summary::Summary;
use verdict::{ENOUGH, Findings, Pair};

/// The folder of all runs, in that of `--out`.
const RUNS: &str = "runs";
/// The report, beside it.
const REPORT: &str = "compare.json";

const METHOD: &str = "\
Method: a pair is three runs, A B A and then, in the next pair, B A B, so that neither side is always first and every pair also \
has two runs of one side. For each figure of each row: how far B lies from A in the pair (the logarithm of the ratio; the run in \
the middle against the mean of the two around it), and how far the same side lies from itself. Of both the median over all pairs \
is told, with the interval from the k-th smallest to the k-th largest value that holds the true median in at least 95 % of cases \
whatever the distribution (the sign test's; with ten pairs k is 2, and it holds in 97.9 %). There is a verdict only where B's \
interval excludes no change and has nothing in common with that of the same side.

Figures that end in _ns, _us or stalls are better when lower, those that end in _per_s when higher; others are told without a \
verdict. Each figure is judged on its own: of fifty figures that do not differ, chance gives a verdict to one on average, at most.

Ctrl-C ends after the run at hand, which is thrown away if it was cut short, and tells what there is.";

/// `compare`
#[derive(Debug, Args)]
#[command(after_long_help = METHOD)]
pub struct CompareArgs {
    /// Pairs, each of three runs.
    #[arg(long, default_value_t = ENOUGH as u32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub pairs: u32,
    /// Run fewer than ten pairs: no verdict is given then.
    #[arg(long)]
    pub allow_few: bool,
    /// Side A: arguments as a shell would split them, such as 'pipeline --layout shared'. --out is added to them.
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    pub a: Words,
    /// Side B, which is held against A.
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    pub b: Words,
    /// The program of side A; by default this very one.
    #[arg(long, value_name = "PATH")]
    pub a_binary: Option<PathBuf>,
    /// The program of side B; by default this very one.
    #[arg(long, value_name = "PATH")]
    pub b_binary: Option<PathBuf>,
    /// A folder for compare.json and, in runs/, what each run left and said. It must not hold a comparison yet.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// Runs the command; `Ok(false)` when it was cut short.
///
/// # Errors
/// When a run fails, which ends the comparison: what there was before is told all the same.
pub fn run(args: &CompareArgs) -> Outcome<bool> {
    let asked = args.pairs as usize;
    if asked < ENOUGH && !args.allow_few {
        return Err(Failure::new(format!(
            "{asked} pairs are too few for a verdict: ask for {ENOUGH} or more, or add --allow-few to see figures without one"
        )));
    }
    let stop = Stop::on_ctrl_c()?;
    let (a, b) = (
        Side::new(args.a_binary.as_deref(), &args.a)?,
        Side::new(args.b_binary.as_deref(), &args.b)?,
    );
    let folder = Folder::new(args.out.as_deref())?;
    let mut pairs = Vec::new();
    let ended = run_pairs(asked, [&a, &b], folder.path(), &stop, &mut pairs);
    let report = Report {
        pairs_asked: asked,
        pairs: pairs.len(),
        stopped: pairs.len() < asked,
        a,
        b,
        environment_a: environment(&pairs, Name::A),
        environment_b: environment(&pairs, Name::B),
        interval_misses: statistics::miss(pairs.len()),
        findings: Findings::of(&pairs),
    };
    print!("{}", report.text());
    if args.out.is_some() {
        let path = folder.path().join(REPORT);
        let what = || format!("cannot write {}", path.display());
        let json = serde_json::to_string_pretty(&report).context(what)?;
        std::fs::write(&path, json + "\n").context(what)?;
        println!("written  {}", path.display());
    }
    ended?;
    Ok(!report.stopped)
}

/// Runs pair after pair until Ctrl-C; a pair that is not whole is left out.
fn run_pairs(
    asked: usize,
    [a, b]: [&Side; 2],
    folder: &Path,
    stop: &Stop,
    pairs: &mut Vec<Pair>,
) -> Outcome<()> {
    let progress = bar(asked as u64 * 3, "compare");
    progress.tick();
    for pair in 1..=asked {
        let first = if pair % 2 == 1 { Name::A } else { Name::B };
        let mut runs = Vec::new();
        for (turn, name) in [first, first.other(), first].into_iter().enumerate() {
            if stop.is_set() {
                return Ok(());
            }
            let side = if name == Name::A { a } else { b };
            let folder = folder.join(RUNS).join(format!("{pair:02}-{}-{name}", turn + 1));
            let Some(summary) = side.run(&folder, stop)? else {
                return Ok(());
            };
            runs.push(summary);
            progress.inc(1);
        }
        if let Ok(runs) = <[Summary; 3]>::try_from(runs) {
            pairs.push(Pair { first, runs });
        }
    }
    progress.finish_and_clear();
    Ok(())
}

/// What the first run of a side says of where it ran.
fn environment(pairs: &[Pair], name: Name) -> OwnedValue {
    pairs.first().map_or_else(OwnedValue::default, |pair| {
        let run = usize::from(pair.first != name);
        pair.runs[run].environment.clone()
    })
}

/// Where the runs leave what they have to say.
enum Folder {
    Kept(PathBuf),
    Passing(TempDir),
}

impl Folder {
    /// The one asked for, or one that goes when the comparison is over.
    fn new(asked: Option<&Path>) -> Outcome<Self> {
        let Some(asked) = asked else {
            let folder = tempfile::tempdir().context(|| "cannot make a folder for the runs".to_owned())?;
            return Ok(Folder::Passing(folder));
        };
        let what = || format!("cannot make {}", asked.display());
        std::fs::create_dir_all(asked).context(what)?;
        let folder = asked.canonicalize().context(what)?;
        if [RUNS, REPORT].iter().any(|name| folder.join(name).exists()) {
            return Err(Failure::new(format!(
                "{} holds a comparison already: name a fresh folder by --out",
                asked.display()
            )));
        }
        Ok(Folder::Kept(folder))
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Kept(folder) => folder,
            Folder::Passing(folder) => folder.path(),
        }
    }
}
