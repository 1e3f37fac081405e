import { startHlsServer } from '../tests/kit/scripted-hls.ts';
import { describeViewer } from '../tests/kit/viewer-contract.ts';

describeViewer({
  name: 'HLS',
  serve: startHlsServer,
  urlAt: (hostAndPort) => `http://${hostAndPort}/live/a.m3u8`,
  garbageReason: 'bad-response',
  connectsByRequest: true,
});
