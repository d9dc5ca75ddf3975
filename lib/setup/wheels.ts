/** One wheel of the Python package index: the file that pip picks for Python 3.12 on 64-bit Linux. */
export interface Wheel {
  name: string
  version: string
  /** Size of the file; absent for a release that is not pinned. */
  bytes?: number
  /** Checksum of the file; absent for a release that is not pinned. */
  sha256?: string
}

/** What LibTorch needs on a CPU. Its CPU library is linked against CUDA's runtime and profiler, which load without a GPU. */
const CPU: Wheel[] = [
  {
    name: 'torch',
    version: '2.11.0',
    bytes: 530_712_279,
    sha256: '0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756',
  },
  {
    name: 'nvidia-cuda-runtime',
    version: '13.0.96',
    bytes: 2_243_632,
    sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
  },
  {
    name: 'nvidia-cuda-cupti',
    version: '13.0.85',
    bytes: 10_715_597,
    sha256: '4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8',
  },
]

/** What the GPU libraries need in addition. */
const CUDA: Wheel[] = [
  {
    name: 'nvidia-cublas',
    version: '13.1.0.3',
    bytes: 423_133_236,
    sha256: 'ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171',
  },
  {
    name: 'nvidia-cuda-nvrtc',
    version: '13.0.88',
    bytes: 90_215_200,
    sha256: 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575',
  },
  {
    name: 'nvidia-cudnn-cu13',
    version: '9.19.0.56',
    bytes: 366_066_321,
    sha256: 'd20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf',
  },
  {
    name: 'nvidia-cufft',
    version: '12.0.0.61',
    bytes: 214_085_489,
    sha256: '6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3',
  },
  {
    name: 'nvidia-cufile',
    version: '1.15.1.6',
    bytes: 1_223_672,
    sha256: '08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44',
  },
  {
    name: 'nvidia-curand',
    version: '10.4.0.35',
    bytes: 59_544_258,
    sha256: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
  },
  {
    name: 'nvidia-cusolver',
    version: '12.0.4.66',
    bytes: 200_941_980,
    sha256: '0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112',
  },
  {
    name: 'nvidia-cusparse',
    version: '12.6.3.3',
    bytes: 145_942_937,
    sha256: '2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b',
  },
  {
    name: 'nvidia-cusparselt-cu13',
    version: '0.8.0',
    bytes: 169_884_119,
    sha256: '25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd',
  },
  {
    name: 'nvidia-nccl-cu13',
    version: '2.28.9',
    bytes: 196_493_177,
    sha256: 'e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42',
  },
  {
    name: 'nvidia-nvjitlink',
    version: '13.0.88',
    bytes: 40_713_933,
    sha256: '13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b',
  },
  {
    name: 'nvidia-nvshmem-cu13',
    version: '3.4.5',
    bytes: 60_412_546,
    sha256: '290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80',
  },
  {
    name: 'nvidia-nvtx',
    version: '13.0.85',
    bytes: 148_047,
    sha256: '4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4',
  },
]

/** The wheels of the pinned release, whose versions its metadata asks for; the first is torch itself. */
export function pinnedWheels(cuda: boolean): Wheel[] {
  return cuda ? [...CPU, ...CUDA] : CPU
}
