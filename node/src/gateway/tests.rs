use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;

#[test]
fn the_default_route_is_read() {
    let row = |destination: &str, gateway: [u8; 4], mask: &str| {
        let gateway = u32::from_ne_bytes(gateway);
        format!("eth0\t{destination}\t{gateway:08X}\t0003\t0\t0\t0\t{mask}\t0\t0\t0\n")
    };
    let head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
    let local = row("0000A8C0", [0, 0, 0, 0], "00FFFFFF");
    let table = format!(
        "{head}{local}{}",
        row("00000000", [192, 168, 0, 1], "00000000")
    );
    assert_eq!(default_route(&table), Some(Ipv4Addr::new(192, 168, 0, 1)));
    assert_eq!(default_route(&format!("{head}{local}")), None);
    assert_eq!(default_route("nothing\nof the\nkind 00000000"), None);
}

/// A gateway that speaks UPnP alone: what ports are open, and how many were asked for.
#[derive(Clone, Default)]
struct Igd(Arc<Mutex<(BTreeSet<String>, usize)>>);

impl Igd {
    fn open(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().0.clone()
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }

    fn start(ip: Ipv4Addr) -> Self {
        let igd = Self::default();
        let http = TcpListener::bind((ip, 0)).unwrap();
        let port = http.local_addr().unwrap().port();
        let ssdp = UdpSocket::bind((ip, 1900)).unwrap();
        std::thread::spawn(move || {
            let mut question = [0; 1500];
            while let Ok((_, peer)) = ssdp.recv_from(&mut question) {
                let answer =
                    format!("HTTP/1.1 200 OK\r\nLocation: http://{ip}:{port}/d.xml\r\n\r\n");
                ssdp.send_to(answer.as_bytes(), peer).unwrap();
            }
        });
        let served = igd.clone();
        std::thread::spawn(move || {
            for stream in http.incoming() {
                served.serve(stream.unwrap());
            }
        });
        igd
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut request = String::new();
        let mut part = [0; 4096];
        let end = |request: &str| match request.starts_with("GET") {
            true => request.contains("\r\n\r\n"),
            false => request.contains("</s:Envelope>"),
        };
        while !end(&request) {
            let read = stream.read(&mut part).unwrap();
            request.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        let body = if request.starts_with("GET /d.xml") {
            "<root><device><serviceList><service>\
             <serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>\
             <SCPDURL>/s.xml</SCPDURL><controlURL>/c</controlURL>\
             </service></serviceList></device></root>"
                .to_owned()
        } else if request.starts_with("GET /s.xml") {
            let action = |name: &str, arguments: &[&str]| {
                let arguments: String = arguments
                    .iter()
                    .map(|name| {
                        format!("<argument><name>{name}</name><direction>in</direction></argument>")
                    })
                    .collect();
                format!(
                    "<action><name>{name}</name><argumentList>{arguments}</argumentList></action>"
                )
            };
            let port = ["NewExternalPort", "NewProtocol"];
            let all = [&port[..], &["NewInternalClient", "NewLeaseDuration"]].concat();
            format!(
                "<scpd><actionList>{}{}</actionList></scpd>",
                action("AddPortMapping", &all),
                action("DeletePortMapping", &port)
            )
        } else {
            self.act(&request)
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
    }

    fn act(&self, request: &str) -> String {
        let said = |name: &str| {
            let rest = request.split_once(&format!("<{name}>")).unwrap().1;
            rest.split_once('<').unwrap().0.to_owned()
        };
        let key = format!("{} {}", said("NewProtocol"), said("NewExternalPort"));
        let mut state = self.0.lock().unwrap();
        let done = if request.contains("#AddPortMapping\"") {
            assert_eq!(said("NewLeaseDuration"), "3600");
            state.1 += 1;
            state.0.insert(key);
            "AddPortMappingResponse"
        } else {
            assert!(state.0.remove(&key), "{key} is open");
            "DeletePortMappingResponse"
        };
        format!("<Envelope><Body><{done}/></Body></Envelope>")
    }
}

#[tokio::test]
async fn a_port_granted_by_upnp_is_renewed_and_closed() {
    let ip = Ipv4Addr::new(127, 0, 91, 7);
    let igd = Igd::start(ip);
    let both: BTreeSet<String> = ["TCP 7000", "UDP 7000"].map(String::from).into();
    let port = NonZeroU16::new(7000).unwrap();
    let held = Held::ask(ip.into(), port)
        .await
        .map_err(|why| why.to_string());
    let held = held.unwrap();
    assert_eq!((held.outside(), held.protocol()), (port, "UPnP"));
    assert_eq!((igd.open(), igd.asked()), (both.clone(), 2));

    let (stop, stopped) = oneshot::channel();
    tokio::time::pause();
    let keeping = tokio::spawn(keep(held, stopped));
    // It begins to wait before the clock is put forward.
    tokio::task::yield_now().await;
    tokio::time::advance(LIFETIME / 2 + Duration::from_secs(1)).await;
    tokio::time::resume();
    let renewed = async {
        while igd.asked() < 4 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), renewed).await.unwrap();
    assert_eq!(igd.open(), both);
    stop.send(()).unwrap();
    keeping.await.unwrap();
    assert_eq!((igd.open(), igd.asked()), (BTreeSet::new(), 4));
}
