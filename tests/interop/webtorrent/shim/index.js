// No browser takes part in these tests.
export class RTCPeerConnection {}
export class RTCSessionDescription {}
export class RTCIceCandidate {}
