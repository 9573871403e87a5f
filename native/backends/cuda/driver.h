// The driver's functions that the runtime does not offer, found by way of the runtime: the file is
// not linked with the driver, so that it loads where there is none.
#pragma once

#include <cuda.h>
#include <cudaTypedefs.h>

namespace fattn::cuda {

/// The function as CUDA `version` (11070: 11.7) brought it; null where the driver has none such.
void* driver_function(char const* name, unsigned version);

struct Driver {
  PFN_cuDeviceGet_v2000 device_get;
  PFN_cuDevicePrimaryCtxRetain_v7000 retain_primary_context;
  PFN_cuDevicePrimaryCtxRelease_v11000 release_primary_context;
  PFN_cuCtxPushCurrent_v4000 push_context;
  PFN_cuCtxPopCurrent_v4000 pop_context;
  PFN_cuStreamWriteValue32_v11070 write_value;
  PFN_cuStreamWaitValue32_v11070 wait_value;
};

/// Looked up at the first call. Throws ERR_UNSUPPORTED where one is missing.
Driver const& driver();

}  // namespace fattn::cuda
