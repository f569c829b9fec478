//! Dumps the IPv4 routes of table main as a user of the crate rtnetlink does, and prints how many there are and the milliseconds that
//! it took.

use std::net::Ipv4Addr;
use std::time::Instant;

use futures_util::TryStreamExt;
use rtnetlink::RouteMessageBuilder;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let (connection, handle, _) = rtnetlink::new_connection()?;
    tokio::spawn(connection);
    let all = RouteMessageBuilder::<Ipv4Addr>::new().build();
    let mut stream = handle.route().get(all).execute();
    let mut routes = Vec::new();
    while let Some(route) = stream.try_next().await? {
        if route.header.table == 254 {
            routes.push(route);
        }
    }
    println!("{{\"routes\": {}, \"ms\": {:.1}}}", routes.len(), start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
