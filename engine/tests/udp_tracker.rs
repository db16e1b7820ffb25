//! BEP 15 against bytes written by hand.

use swarmbed_engine::wire::{UdpAnnounce, UdpAnswer, UdpRequest};
use swarmbed_engine::{Announce, PeerId};

fn announce() -> UdpAnnounce {
    UdpAnnounce {
        info_hash: [1; 20],
        peer_id: PeerId([2; 20]),
        downloaded: 3,
        left: 4,
        uploaded: 5,
        event: Announce::Started,
        key: 6,
        wanted: None,
        port: 6881,
    }
}

#[test]
fn requests_have_these_bytes() {
    let connect = UdpRequest::Connect {
        transaction: 0x0102_0304,
    };
    let golden = b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0\x01\x02\x03\x04";
    assert_eq!(connect.encode(), golden);
    assert_eq!(UdpRequest::decode(golden), Some(connect));

    let request = UdpRequest::Announce {
        connection: 9,
        transaction: 8,
        announce: announce(),
    };
    let mut golden = b"\0\0\0\0\0\0\0\x09\0\0\0\x01\0\0\0\x08".to_vec();
    golden.extend_from_slice(&[1; 20]);
    golden.extend_from_slice(&[2; 20]);
    golden.extend_from_slice(b"\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x05");
    golden.extend_from_slice(b"\0\0\0\x02\0\0\0\0\0\0\0\x06\xff\xff\xff\xff\x1a\xe1");
    assert_eq!(golden.len(), 98);
    assert_eq!(request.encode(), golden);
    assert_eq!(UdpRequest::decode(&golden), Some(request.clone()));
    // Options may follow (BEP 41).
    golden.extend_from_slice(b"\x02\x01/");
    assert_eq!(UdpRequest::decode(&golden), Some(request));

    let scrape = UdpRequest::Scrape {
        connection: 9,
        transaction: 8,
        info_hashes: vec![[1; 20], [2; 20]],
    };
    assert_eq!(UdpRequest::decode(&scrape.encode()), Some(scrape));
}

#[test]
fn answers_have_these_bytes() {
    let answers: [(UdpAnswer, &[u8], bool); 5] = [
        (
            UdpAnswer::Connect {
                transaction: 1,
                connection: 2,
            },
            b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02",
            false,
        ),
        (
            UdpAnswer::Announce {
                transaction: 1,
                interval: 60,
                leechers: 3,
                seeders: 4,
                peers: vec!["1.2.3.4:6881".parse().unwrap()],
            },
            b"\0\0\0\x01\0\0\0\x01\0\0\0\x3c\0\0\0\x03\0\0\0\x04\x01\x02\x03\x04\x1a\xe1",
            false,
        ),
        (
            UdpAnswer::Announce {
                transaction: 1,
                interval: 60,
                leechers: 0,
                seeders: 0,
                peers: vec!["[::1]:5".parse().unwrap()],
            },
            b"\0\0\0\x01\0\0\0\x01\0\0\0\x3c\0\0\0\0\0\0\0\0\
              \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x05",
            true,
        ),
        (
            UdpAnswer::Scrape {
                transaction: 1,
                swarms: vec![[2, 3, 4]],
            },
            b"\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04",
            false,
        ),
        (
            UdpAnswer::Error {
                transaction: 1,
                reason: b"no".to_vec(),
            },
            b"\0\0\0\x03\0\0\0\x01no",
            false,
        ),
    ];
    for (answer, golden, six) in answers {
        assert_eq!(answer.encode(), golden);
        assert_eq!(answer.transaction(), 1);
        assert_eq!(UdpAnswer::decode(golden, six), Some(answer));
        for cut in 0..8 {
            assert_eq!(UdpAnswer::decode(&golden[..cut], six), None);
        }
    }
}

#[test]
fn nonsense_is_no_request() {
    let whole = UdpRequest::Announce {
        connection: 9,
        transaction: 8,
        announce: announce(),
    };
    let whole = whole.encode();
    for cut in 0..whole.len() {
        assert_eq!(UdpRequest::decode(&whole[..cut]), None, "{cut} bytes");
    }
    let mut other = whole.clone();
    other[11] = 7;
    assert_eq!(UdpRequest::decode(&other), None);
    let mut event = whole;
    event[83] = 4;
    assert_eq!(UdpRequest::decode(&event), None);
    // A connect that does not say the protocol's number, and scrapes of nothing and of too much.
    assert_eq!(UdpRequest::decode(&[0; 16]), None);
    let scrape = |swarms: usize| {
        let mut bytes = b"\0\0\0\0\0\0\0\x09\0\0\0\x02\0\0\0\x08".to_vec();
        bytes.resize(16 + 20 * swarms, 1);
        UdpRequest::decode(&bytes)
    };
    assert_eq!(scrape(0), None);
    assert!(scrape(74).is_some());
    assert_eq!(scrape(75), None);
}
