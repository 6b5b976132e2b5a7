//! `explain`: what a code means, without any file or server.

use crate::cli::args::Explain;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::output::Surface;
use crate::output::envelope::List;
use crate::output::exit::Code;
use crate::output::screens::CodeScreen;

/// Explains one code, or lists all.
pub fn run(args: &Explain, surface: &Surface) -> Outcome {
    let now = jiff::Timestamp::now();
    match &args.code {
        None => surface.show(&List::whole(codes::all().map(CodeScreen::from)), now, &[], [Code::Done]),
        Some(asked) => match codes::find(asked) {
            Some(code) => surface.show(&CodeScreen::from(code), now, &[], [Code::Done]),
            None => {
                let names = codes::all().flat_map(|code| [code.id, code.name]);
                let finding = Finding::error(&codes::UNKNOWN_CODE, format!("there is no code `{asked}`"))
                    .did_you_mean(asked, names)
                    .next("tidegate explain");
                return Err(Failure::new(Code::NothingSelected, finding));
            }
        },
    }
    Ok(vec![Code::Done])
}
