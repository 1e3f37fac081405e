import { startRtmpServer } from '../tests/kit/scripted-server.ts';
import { describeViewer } from '../tests/kit/viewer-contract.ts';

describeViewer({
  name: 'RTMP',
  serve: startRtmpServer,
  urlAt: (hostAndPort) => `rtmp://${hostAndPort}/live/a`,
  garbageReason: 'bad-response',
});
