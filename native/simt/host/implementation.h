// The vocabulary on the host: an emulation that looks for mistakes. block.h says how it works.
#pragma once

#include "simt/host/bulk.h"
#include "simt/host/copies.h"
#include "simt/host/fragments.h"
#include "simt/host/functions.h"
#include "simt/host/kernel.h"
#include "simt/host/mbarrier.h"
#include "simt/host/numeric.h"
#include "simt/host/proxy.h"
#include "simt/host/registers.h"
#include "simt/host/shared.h"
#include "simt/host/threads.h"
#include "simt/host/warpgroup.h"
