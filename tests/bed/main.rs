//! The bed by hand: builds its binaries, starts clusters and keeps them until
//! it is told to end. `make bed` uses it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "mod.rs"]
mod bed;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bed::{Bed, ClusterSpec, Outcome, Trouble, say, tool_names};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Real Kubernetes control planes for tests and demos.
#[derive(Parser)]
#[command(name = "bed")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build tools that are not cached yet
    Build {
        /// Tools to build (default: all)
        names: Vec<String>,
    },
    /// Print the path of a tool, built if need be
    Path {
        /// For example kubectl
        name: String,
    },
    /// Start clusters; they end with this process, or when its stdin closes
    Up {
        /// Where to write NAME.kubeconfig of each cluster
        #[arg(long)]
        dir: PathBuf,
        /// Names, separated by commas
        #[arg(long, value_delimiter = ',', required = true)]
        clusters: Vec<String>,
        /// Fake nodes in each cluster
        #[arg(long, default_value_t = 3)]
        nodes: u32,
        /// Kubeconfigs that lead through the fault proxies
        #[arg(long)]
        via_proxy: bool,
    },
    /// Print the table of the built-in kinds' schemas, from a real API server
    Schemas,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Build { names } => build(names).await,
        Command::Path { name } => path(&name).await,
        Command::Schemas => schemas().await,
        Command::Up { dir, clusters, nodes, via_proxy } => up(&dir, &clusters, nodes, via_proxy).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

async fn build(names: Vec<String>) -> Outcome<()> {
    let names = if names.is_empty() { tool_names().into_iter().map(str::to_owned).collect() } else { names };
    for name in names {
        println!("{}", bed::tool_path(&name).await?.display());
    }
    Ok(())
}

async fn path(name: &str) -> Outcome<()> {
    println!("{}", bed::tool_path(name).await?.display());
    Ok(())
}

async fn up(dir: &Path, names: &[String], nodes: u32, via_proxy: bool) -> Outcome<()> {
    let begun = Instant::now();
    let put = |e: std::io::Error| Trouble(format!("bed: {}: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(put)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(put)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(put)?;
    let ended = async {
        let (closing, closed) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = closing.send(());
        });
        tokio::select! {
            _ = closed => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let specs = names.iter().map(|n| ClusterSpec::complete(n, nodes));
    let running = async {
        let clusters = Bed::open().await?.try_clusters(specs.collect()).await?;
        for cluster in &clusters {
            let file = dir.join(format!("{}.kubeconfig", cluster.name()));
            let source = if via_proxy { cluster.kubeconfig_via_proxy() } else { cluster.kubeconfig() };
            std::fs::copy(source, file).map_err(put)?;
        }
        println!("bed: {} ready in {:.1} s", names.join(", "), begun.elapsed().as_secs_f64());
        Outcome::Ok(clusters)
    };
    tokio::pin!(ended);
    let clusters = tokio::select! {
        clusters = running => clusters?,
        () = &mut ended => return Ok(()),
    };
    ended.await;
    for cluster in clusters {
        cluster.end().await;
    }
    say("ended");
    Ok(())
}

async fn schemas() -> Outcome<()> {
    let cluster = Bed::open().await?.try_clusters(vec![ClusterSpec::api_only("schemas")]).await?;
    for cluster in cluster {
        let documents = bed::schemas::documents(&cluster.client().await).await;
        print!("{}", bed::schemas::table(&documents));
        cluster.end().await;
    }
    Ok(())
}
