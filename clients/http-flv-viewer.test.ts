import { startHttpFlvServer } from '../tests/kit/scripted-server.ts';
import { describeViewer } from '../tests/kit/viewer-contract.ts';

describeViewer({
  name: 'HTTP-FLV',
  serve: startHttpFlvServer,
  urlAt: (hostAndPort) => `http://${hostAndPort}/live/a.flv`,
  garbageReason: 'bad-response',
});
