//! Carries [`Frame`]s through tonic.

use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

use crate::proto::proxy::ProxyResponse;
use crate::request::Frame;

#[derive(Debug, Default)]
pub(crate) struct ProxyCodec;

impl Codec for ProxyCodec {
    type Encode = Frame;
    type Decode = ProxyResponse;
    type Encoder = FrameEncoder;
    type Decoder = ProstDecoder<ProxyResponse>;

    fn encoder(&mut self) -> FrameEncoder {
        FrameEncoder
    }

    fn decoder(&mut self) -> ProstDecoder<ProxyResponse> {
        ProstDecoder::default()
    }
}

#[derive(Debug)]
pub(crate) struct FrameEncoder;

impl Encoder for FrameEncoder {
    type Item = Frame;
    type Error = Status;

    fn encode(&mut self, frame: Frame, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(frame.encoded_len_hint());
        frame.encode(out);
        Ok(())
    }
}
